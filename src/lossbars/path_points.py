"""Points of paths, and what a path optimiser does to them; n paths of k = m + 2 points each at once.

A path is its two ends (2, d), which stay, and the m moving points (m, d) between them. Its points are numbered from 0
to k − 1, its segments from 0 to k − 2.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def segments(ends: Float[Tensor, "n 2 d"], moving: Float[Tensor, "n m d"], out: Float[Tensor, "n s d"]) -> None:
    """Write the s = m + 1 differences of neighbours."""
    torch.sub(moving[:, 0], ends[:, 0], out=out[:, 0])
    torch.sub(moving[:, 1:], moving[:, :-1], out=out[:, 1:-1])
    torch.sub(ends[:, 1], moving[:, -1], out=out[:, -1])


def project(
    gradient: Float[Tensor, "n m d"], between: Float[Tensor, "n s d"], out: Float[Tensor, "n m d"]
) -> Float[Tensor, "n m"]:
    """Take the tangential parts off the gradients of the moving points (topological-obstructions.txt, Algorithm 3).

    out = g − (⟨g, u⟩ u + ⟨g, v⟩ v)/2 with the unit vectors u from the left neighbour and v to the right one. Where the
    two are one direction that is the part of g normal to the path; at a corner of angle φ a share sin²(φ/2) of the
    tangential part is left. Returns the norms of what was taken off. A segment without length has no direction. ``out``
    may be ``gradient`` itself.
    """
    lengths = _lengths(between)
    left, right = between[:, :-1], between[:, 1:]
    before, after = lengths[:, :-1], lengths[:, 1:]
    by_left, by_right = _dots(gradient, left) / before, _dots(gradient, right) / after
    torch.addcmul(gradient, (by_left / before).unsqueeze(-1), left, value=-0.5, out=out)
    out.addcmul_((by_right / after).unsqueeze(-1), right, value=-0.5)
    cosine = _dots(left, right) / before / after
    square = by_left.square() + by_right.square() + 2 * by_left * by_right * cosine
    return square.clamp_min(0).sqrt() / 2


def uphill(
    gradient: Float[Tensor, "n m d"], between: Float[Tensor, "n s d"], top: Int[Tensor, " n"]
) -> Float[Tensor, "n d"]:
    """g − 2⟨g, τ⟩τ at point ``top`` of each path: against it is up along the path, and down across it.

    It vanishes at critical points alone. τ is the unit bisector of the directions u and v. (The climbing image of
    Henkelman, Uberuaga & Jónsson 2000, without their springs.)
    """
    path = torch.arange(len(top), device=top.device)
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
    middle, whole = along.gather(1, held.unsqueeze(1)), along[:, -1:]
    wanted = torch.where(
        number <= before,
        middle * (number / before),  # at number = before: to the bit
        middle + (whole - middle) * ((number - before) / after),
    )
    right = torch.searchsorted(along, wanted).clamp(1, along.shape[1] - 1)
    low, high = along.gather(1, right - 1), along.gather(1, right)
    share = (wanted - low) / (high - low).clamp_min(torch.finfo(torch.float64).tiny)
    path = torch.arange(len(points), device=points.device).unsqueeze(1)
    return torch.lerp(points[path, right - 1], points[path, right], share.to(points.dtype).unsqueeze(-1))


def relative_lengths(points: Float[Tensor, "n k d"]) -> Float[Tensor, "n s"]:
    """|θ_{i+1} − θ_i| / μ with μ = |θ_last − θ_first| / k: the distance criterion (idem, Algorithm 4).

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


def _dots(a: Tensor, b: Tensor) -> Tensor:
    """(n, m) inner products of rows (n, m, d), as products of matrices: ``vecdot`` makes an array of a's size first.

    Path by path, since slices of several are no stack of rows without a copy; and transposed, since torch takes its
    slow way for a column that ``unsqueeze`` makes (nine times the time, torch 2.15).
    """
    return torch.stack([torch.bmm(x.unsqueeze(1), y.unsqueeze(1).mT).flatten() for x, y in zip(a, b, strict=True)])


def _lengths(vectors: Tensor) -> Tensor:
    """Norms, nowhere zero."""
    return torch.linalg.vector_norm(vectors, dim=-1).clamp_min(torch.finfo(vectors.dtype).tiny)
