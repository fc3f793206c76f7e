"""Points of paths, and what a path optimiser does to them; n paths of k = m + 2 points each at once.

A path is its two ends (2, d), which stay, and the m moving points (m, d) between them. Its points are numbered from 0
to k − 1, its segments from 0 to k − 2.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from lossbars.optimise.flow_kernel import write_normal_parts

COMPILED = (torch.float32, torch.float64)


def segments(ends: Float[Tensor, "n 2 d"], moving: Float[Tensor, "n m d"]) -> Float[Tensor, "n s d"]:
    """The s = m + 1 differences of neighbours."""
    return torch.cat([ends[:, :1], moving, ends[:, 1:]], dim=1).diff(dim=1)


def project(
    ends: Float[Tensor, "n 2 d"],
    moving: Float[Tensor, "n m d"],
    gradient: Float[Tensor, "n m d"],
    out: Float[Tensor, "n m d"],
) -> tuple[Float[Tensor, "n m"], Float[Tensor, "n m"]]:
    """Take the tangential parts off the gradients of the moving points (Topological obstructions, Algorithm 3).

    out = g − (⟨g, u⟩ u + ⟨g, v⟩ v)/2 with the unit vectors u from the left neighbour and v to the right one. Where the
    two are one direction that is the part of g normal to the path; at a corner of angle φ a share sin²(φ/2) of the
    tangential part is left. Returns the norms of what was taken off and of what is left. A segment without length has
    no direction. ``out`` may be ``gradient`` itself.
    """
    arrays = [ends, moving, gradient, out]
    if all(array.device.type == "cpu" and array.dtype in COMPILED and _in_rows(array) for array in arrays):
        return _project_by_rows(arrays)
    between = segments(ends, moving)
    left, right = between[:, :-1], between[:, 1:]
    tiny = torch.finfo(between.dtype).tiny
    before, after = (torch.linalg.vecdot(x, x).clamp_min(tiny) for x in (left, right))
    by_left, by_right = (
        torch.linalg.vecdot(gradient, left) / before / 2,
        torch.linalg.vecdot(gradient, right) / after / 2,
    )
    torch.addcmul(gradient, by_left.unsqueeze(-1), left, value=-1, out=out)
    out.addcmul_(by_right.unsqueeze(-1), right, value=-1)
    both = 2 * by_left * by_right * torch.linalg.vecdot(left, right)
    square = by_left.square() * before + by_right.square() * after + both
    return square.clamp_min(0).sqrt(), torch.linalg.vector_norm(out, dim=-1)


def _in_rows(array: Tensor) -> bool:
    """Whether rows (n, m, d) of adjacent numbers follow one another at one distance."""
    far, near, one = array.stride()
    return one == 1 and (len(array) == 1 or far == array.shape[1] * near)


def _project_by_rows(arrays: list[Tensor]) -> tuple[Tensor, Tensor]:
    _, moving, gradient, _ = arrays
    n, m, d = moving.shape
    steps = tuple(array.stride(1) for array in arrays)
    flat = [
        a.as_strided(((a[..., 0].numel() - 1) * step + d,), (1,)).numpy() for a, step in zip(arrays, steps, strict=True)
    ]
    tangent, orthogonal = gradient.new_empty(2, n, m)
    tiny = flat[0].dtype.type(torch.finfo(moving.dtype).tiny)
    write_normal_parts(*flat, steps, d, tiny, tangent.numpy(), orthogonal.numpy())
    return tangent, orthogonal


def uphill(
    ends: Float[Tensor, "n 2 d"],
    moving: Float[Tensor, "n m d"],
    gradient: Float[Tensor, "n m d"],
    top: Int[Tensor, " n"],
) -> Float[Tensor, "n d"]:
    """g − 2⟨g, τ⟩τ at point ``top`` of each path: against it is up along the path, and down across it.

    It vanishes at critical points alone. τ is the unit bisector of the directions u and v. (The climbing image of
    Henkelman, Uberuaga & Jónsson 2000, without their springs.)
    """
    path = torch.arange(len(top), device=top.device)
    between = segments(ends, moving)
    lengths = _lengths(between).unsqueeze(-1)
    left, right = (between[path, i] / lengths[path, i] for i in (top - 1, top))
    tangent = left + right
    tangent = tangent / _lengths(tangent).unsqueeze(-1)
    g = gradient[path, top - 1]
    return g - 2 * torch.linalg.vecdot(g, tangent).unsqueeze(-1) * tangent


def redistributed(
    ends: Float[Tensor, "n 2 d"], moving: Float[Tensor, "n m d"], held: Int[Tensor, " n"]
) -> Float[Tensor, "n m d"]:
    """Moving points at equal distances along their polygonal paths: E, Ren & Vanden-Eijnden 2007, string method.

    Point ``held`` of each path stays where it is, with equal distances on either side of it; an end is held anyway.
    """
    points = torch.cat([ends[:, :1], moving, ends[:, 1:]], dim=1)
    lengths = torch.linalg.vector_norm(points.diff(dim=1), dim=-1).double()
    along = torch.cat([torch.zeros_like(lengths[:, :1]), lengths.cumsum(1)], dim=1)  # (n, k)
    number = torch.arange(1, along.shape[1] - 1, dtype=torch.float64, device=along.device)
    before = held.unsqueeze(1).double()
    after = (along.shape[1] - 1 - before).clamp_min(1)
    middle, length = along.gather(1, held.unsqueeze(1)), along[:, -1:]
    wanted = torch.where(
        number <= before,
        middle * (number / before),  # at number = before: to the bit
        middle + (length - middle) * ((number - before) / after),
    )
    right = torch.searchsorted(along, wanted).clamp(1, along.shape[1] - 1)
    low, high = along.gather(1, right - 1), along.gather(1, right)
    share = (wanted - low) / (high - low).clamp_min(torch.finfo(torch.float64).tiny)
    path = torch.arange(len(points), device=points.device).unsqueeze(1)
    return torch.lerp(points[path, right - 1], points[path, right], share.to(points.dtype).unsqueeze(-1))


def relative_lengths(points: Float[Tensor, "n k d"]) -> Float[Tensor, "n s"]:
    """|θ_{i+1} − θ_i| / μ with μ = |θ_last − θ_first| / k: the distance criterion of insertion.

    (Barannikov et al. 2020, Topological obstructions, Algorithm 4.)

    A straight path of equal distances has k/(k − 1) everywhere, since μ counts points and not segments.
    """
    mean = torch.linalg.vector_norm(points[:, -1] - points[:, 0], dim=-1, keepdim=True) / points.shape[1]
    return torch.linalg.vector_norm(points.diff(dim=1), dim=-1) / mean


def with_midpoints(points: Float[Tensor, "k d"], measure: Float[Tensor, " s"]) -> Float[Tensor, "l d"]:
    """l = k + 2 points: the midpoints of the two segments of largest measure are put in; the first of equal ones."""
    worst = measure.argsort(descending=True, stable=True)[:2].tolist()
    middle = (points[:-1] + points[1:]) / 2
    pieces = [torch.stack([point, middle[i]]) if i in worst else point.unsqueeze(0) for i, point in enumerate(points)]
    return torch.cat(pieces)


def _lengths(vectors: Tensor) -> Tensor:
    """Norms, nowhere zero."""
    return torch.linalg.vector_norm(vectors, dim=-1).clamp_min(torch.finfo(vectors.dtype).tiny)
