"""The least eigenvalues of several matrices at once, and falls along an eigenvector."""

import pytest
import torch
from torch import Tensor

from lossbars.hessian.least_eigenvalue import falls_along, least_eigenvalues


def matrices(n: int, dim: int, dtype: torch.dtype = torch.float64) -> Tensor:
    random = torch.Generator().manual_seed(1)
    halves = torch.randn(n, dim, dim, generator=random, dtype=torch.float64)
    return ((halves + halves.mT) / 2).to(dtype)


def found(given: Tensor, most: int):
    like = given.new_zeros(given.shape[:2])
    random = torch.Generator().manual_seed(0)
    return least_eigenvalues(lambda v: torch.bmm(given, v[:, :, None])[:, :, 0], like, most, random)


@pytest.mark.parametrize(("dtype", "digits"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_as_many_products_as_rows_are_exact(dtype: torch.dtype, digits: float) -> None:
    given = matrices(4, 30, dtype)
    end, exact = found(given, 1000), torch.linalg.eigvalsh(given.double())
    assert end.products <= 30
    assert torch.allclose(end.value, exact[:, 0], atol=digits * 10)
    image = torch.bmm(given, end.vector[:, :, None])[:, :, 0].double()
    assert ((image - end.value[:, None] * end.vector.double()).norm(dim=1) <= 10 * end.error + 1e-12).all()


def test_equal_eigenvalues_and_zero_matrices_end_well() -> None:
    basis = torch.linalg.qr(matrices(1, 12)[0])[0]
    values = torch.tensor([-1.0, -1.0, *[0.0] * 5, *[2.0] * 5], dtype=torch.float64)
    given = torch.stack([basis @ values.diag() @ basis.T, torch.zeros(12, 12, dtype=torch.float64)])
    end = found(given, 12)
    assert end.value.tolist() == pytest.approx([-1.0, 0.0], abs=1e-12)


def test_few_products_give_an_upper_bound_that_is_near_an_eigenvalue() -> None:
    given = matrices(3, 400)
    end, exact = found(given, 20), torch.linalg.eigvalsh(given)
    assert end.products == 20
    assert (end.value >= exact[:, 0]).all()
    assert ((exact - end.value[:, None]).abs().amin(1) <= end.error).all()
    more = found(given, 400)
    assert more.products < 200 and torch.allclose(more.value, exact[:, 0], atol=1e-6)


def test_what_counts_as_a_fall_along_a_vector() -> None:
    theta = torch.tensor([[1.0, 0.5], [1.0, 0.5]], dtype=torch.float64)
    along = torch.tensor([[0.0, 1.0], [1.0, 0.0]], dtype=torch.float64)

    def saddle(at: Tensor) -> Tensor:  # in y it bends down from any place, in x up
        return 1 + at[:, 0] ** 2 - (at[:, 1] - 0.5) ** 2

    falls = falls_along(saddle, theta, along)
    assert falls[0] == pytest.approx((0.1 * theta[0].norm()) ** 2)
    assert falls[1] == 0, "it falls on one side by its slope alone"


def test_a_kink_holds_a_place_that_bends_down() -> None:
    theta, along = torch.tensor([[1.0, 0.0]], dtype=torch.float64), torch.tensor([[0.0, 1.0]], dtype=torch.float64)
    assert falls_along(lambda at: 1 + at[:, 1].abs() - at[:, 1] ** 2, theta, along) == 0
    assert falls_along(lambda at: 1 + 1e-3 * at[:, 1].abs() - at[:, 1] ** 2, theta, along) > 0
