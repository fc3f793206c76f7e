"""Spectra of Wishart plus Wigner matrices: closed forms, sampled matrices, edges and indices."""

import numpy as np
import pytest
from scipy.integrate import quad

from lossbars.hessian.random_matrices import (
    FreeLaw,
    critical_energy,
    critical_energy_of,
    index_of,
    index_scale,
    relu_critical_energy,
    relu_hessian,
    spectrum_grid,
    wishart_wigner,
)
from lossbars.hessian.sampled_matrices import distance, sample_relu_hessian, sample_wishart_wigner


def semicircle(variance: float) -> FreeLaw:
    """Of a Wigner matrix with entries of variance ``variance``/n: √(4v − λ²)/(2πv) on |λ| ≤ 2√v."""
    return FreeLaw.of([], variance)


def marchenko_pastur(tau: float, scale: float = 1.0) -> FreeLaw:
    """Of a Wishart matrix: √((λ − λ₋)(λ₊ − λ))/(2π λ τ scale), λ± = scale (1 ± √τ)², and 1 − 1/τ at 0 for τ > 1."""
    return FreeLaw.of([(scale * tau, 1 / tau)], 0.0)


FAMILIES = (wishart_wigner, relu_hessian)
TAUS = (0.1, 0.5, 0.9, 1.0, 1.5, 3.0)
ENERGIES = (1e-3, 1e-2, 0.1, 0.5, 2.0)
ROWS = 2000
# Eigenvalues repel each other: their distance from the law is of the order of log(n)/n, 0.004 here, where independent
# numbers would be 0.9/√n = 0.02 away. 8/n was met by all of 20 seeds with a factor of two to spare.
RIGID = 8 / ROWS


def mass(law: FreeLaw, low: float, high: float) -> float:
    """Of an interval of the support, by quadrature without the roots at its ends."""

    def part(turn: float) -> float:
        x = low + (high - low) * (1 - np.cos(turn)) / 2
        return law.density(np.array([x]))[0] * (high - low) * np.sin(turn) / 2

    return quad(part, 0, np.pi, epsabs=1e-11, limit=200)[0]


def mass_from(law: FreeLaw, high: float) -> float:
    """From the lower end of the support to a place inside."""
    low = law.edges[0]
    return quad(lambda s: law.density(np.array([low + (high - low) * s * s]))[0] * 2 * s * (high - low), 0, 1)[0]


# Densities and distribution functions ------------------------------------------------------------


def test_semicircle_and_marchenko_pastur_are_their_closed_forms() -> None:
    x = np.linspace(-1.9, 1.9, 39)
    np.testing.assert_allclose(semicircle(1.0).density(x), np.sqrt(4 - x**2) / (2 * np.pi), atol=1e-12)
    assert semicircle(0.25).edges == pytest.approx([-1.0, 1.0], abs=1e-12)
    for tau, scale in ((0.25, 1.0), (2.25, 1.0), (0.25, 3.0)):
        law = marchenko_pastur(tau, scale)
        low, high = scale * (1 - tau**0.5) ** 2, scale * (1 + tau**0.5) ** 2
        assert law.edges == pytest.approx([low, high], rel=1e-9)
        x = np.linspace(low, high, 41)[1:-1]
        closed = np.sqrt((x - low) * (high - x)) / (2 * np.pi * x * tau * scale)
        np.testing.assert_allclose(law.density(x), closed, rtol=1e-9)
        assert law.atom == pytest.approx(max(0.0, 1 - 1 / tau), abs=1e-15)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("tau", TAUS)
def test_the_mass_is_one_and_the_distribution_function_is_the_integral(family, tau: float) -> None:
    """Were another branch taken anywhere, or an edge missed, the mass would not be 1."""
    for energy in ENERGIES:
        law = family(energy, tau)
        ends = list(zip(law.edges[::2], law.edges[1::2], strict=True))
        parts = [mass(law, low, high) for low, high in ends]
        assert sum(parts) + law.atom == pytest.approx(1, abs=1e-9), energy
        inner = law.cdf(np.array([edge - 1e-12 for _, edge in ends])) - law.cdf(np.array([e + 1e-12 for e, _ in ends]))
        np.testing.assert_allclose(inner, parts, atol=1e-8)
        low, high = ends[0]
        third = low + 0.3 * (high - low)
        assert law.cdf(np.array([third]))[0] == pytest.approx(mass_from(law, third), abs=1e-9)


def test_outside_the_support_there_is_nothing_and_the_function_is_constant() -> None:
    law = wishart_wigner(1e-3, 2.0)
    assert len(law.edges) == 4
    gap = np.linspace(law.edges[1], law.edges[2], 5)[1:-1]
    far = np.array([law.edges[0] - 1, law.edges[3] + 1])
    assert not law.density(np.concatenate([gap, far])).any()
    np.testing.assert_allclose(law.cdf(gap), 0.5, atol=1e-12)  # 1 − 1/τ around 0
    assert law.cdf(far).tolist() == [0, 1]


def test_an_atom_is_counted_at_zero() -> None:
    law = marchenko_pastur(4.0)
    assert law.cdf(np.array([-1e-9, 0.0, 0.5 * law.edges[0]])) == pytest.approx([0, 0.75, 0.75], abs=1e-12)
    mixed = relu_hessian(1e-3, 3.0)  # rates of 1/3, 1/6 and 1/6
    assert mixed.atom == pytest.approx(1 / 3) and len(mixed.edges) == 6
    assert index_of(mixed) == pytest.approx(1 / 6, abs=1e-12)


def test_equal_jumps_are_one_law() -> None:
    """At ε = 2 a jump of the ReLU law is that of the Wishart part."""
    law = relu_hessian(2.0, 0.5)
    assert len(law.jumps) == 2
    near = relu_hessian(2.0 + 1e-4, 0.5)
    np.testing.assert_allclose(law.edges, near.edges, rtol=1e-4)
    assert index_of(law) == pytest.approx(index_of(near), rel=1e-3)


def test_what_is_no_law_is_refused() -> None:
    with pytest.raises(ValueError, match="variance ≥ 0, rates > 0 and jumps ≠ 0"):
        semicircle(-1.0)
    with pytest.raises(ValueError, match="a semicircle or a Poisson law"):
        semicircle(0.0)
    with pytest.raises(ValueError, match=r"0 < τ < 1, not 1\.0"):
        critical_energy(1.0)


# Sampled matrices --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "sample", "energy", "tau"),
    [
        (wishart_wigner, sample_wishart_wigner, 0.1, 0.5),
        (wishart_wigner, sample_wishart_wigner, 0.02, 2.0),
        (relu_hessian, sample_relu_hessian, 0.5, 0.5),
    ],
)
def test_eigenvalues_of_sampled_matrices_follow_the_law(family, sample, energy: float, tau: float) -> None:
    values = sample(energy, tau, ROWS, np.random.default_rng(7))
    law = family(energy, tau)
    assert distance(values, law) < RIGID
    assert (values < 0).mean() == pytest.approx(index_of(law), abs=RIGID)
    for other in (family(1.3 * energy, tau), family(energy, 1.1 * tau)):
        assert distance(values, other) > RIGID, "another law would pass too"


def test_the_normalisation_of_the_sources_is_wrong_where_it_is_said_to_be() -> None:
    """Entries of variance σ²/n, not σ², have the semicircle; σ of Marchenko–Pastur is the variance of J's entries."""
    random = np.random.default_rng(3)
    noise = random.standard_normal((600, 600)) * (2.0**2 / 2 / 600) ** 0.5
    assert distance(np.linalg.eigvalsh(noise + noise.T), semicircle(2.0**2)) < 8 / 600
    factor = random.standard_normal((600, 1200)) * (2.0**2 / 1200) ** 0.5  # N(0, σ²/p) with σ = 2
    values = np.linalg.eigvalsh(factor @ factor.T)
    assert distance(values, marchenko_pastur(0.5, 2.0**2)) < 8 / 600
    assert distance(values, marchenko_pastur(0.5, 2.0)) > 0.3


def test_the_distance_is_that_of_kolmogorov_and_smirnov() -> None:
    from scipy.stats import kstest

    law = wishart_wigner(0.1, 0.5)
    values = np.sort(np.random.default_rng(0).uniform(-0.3, 2, 50))
    assert distance(values, law) == pytest.approx(kstest(values, law.cdf).statistic, abs=1e-12)


# Critical energies and indices -------------------------------------------------------------------


@pytest.mark.parametrize("tau", [0.01, 0.25, 0.5, 0.75, 0.95])
def test_closed_forms_of_the_critical_energy_are_where_the_edge_is_zero(tau: float) -> None:
    assert critical_energy(tau) == pytest.approx(critical_energy_of(wishart_wigner, tau), rel=1e-9)
    assert relu_critical_energy(tau) == pytest.approx(critical_energy_of(relu_hessian, tau), rel=1e-6)


def test_sigma_of_the_relu_formula_is_the_variance_of_the_factors_entries() -> None:
    """ε_c grows with the square of H0, so the formula's σ² is right where H0 is σ times a standard Wishart matrix."""
    for scale in (0.5, 3.0):
        root = critical_energy_of(relu_hessian, 0.4, scale)
        assert relu_critical_energy(0.4, scale) == pytest.approx(root, rel=1e-9)
        assert root == pytest.approx(scale**2 * critical_energy_of(relu_hessian, 0.4), rel=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_index_is_zero_below_and_grows_by_the_power_of_three_halves_above(family) -> None:
    energy, scale = critical_energy_of(family, 0.5), index_scale(family, 0.5)
    assert index_of(family(0.999 * energy, 0.5)) == pytest.approx(0, abs=1e-12)
    for above, off in ((1e-3, 2e-3), (1e-2, 2e-2)):
        found = index_of(family((1 + above) * energy, 0.5))
        assert found / above**1.5 == pytest.approx(scale, rel=off)
        assert found / above**1.5 != pytest.approx(scale, rel=off / 10)  # a limit, not an identity


def test_the_index_is_the_mass_below_zero() -> None:
    for energy, tau in ((0.5, 0.25), (1.0, 1.5)):
        law = wishart_wigner(energy, tau)
        assert index_of(law) == pytest.approx(mass_from(law, 0.0), abs=1e-9)
    assert index_of(wishart_wigner(1e-6, 2.0)) == pytest.approx(0.25, abs=1e-3)  # half of the atom's 1 − 1/τ


def test_the_grid_of_a_figure_covers_the_support() -> None:
    law = wishart_wigner(1e-3, 2.0)
    grid = spectrum_grid(law, 11)
    assert len(grid) == 22 and np.allclose(grid[[0, 10, 11, 21]], law.edges)


@pytest.mark.parametrize(
    "law", [wishart_wigner(0.1, 0.5), relu_hessian(0.5, 0.5), relu_hessian(0.3, 3.0), semicircle(1.0)]
)
def test_the_mass_at_an_edge_is_that_beside_it(law: FreeLaw) -> None:
    edges = law.edges
    at, beside = law.cdf(edges), [law.cdf(edges + step) for step in (-1e-7, 1e-7)]
    assert (beside[0] - 1e-6 <= at).all() and (at <= beside[1] + 1e-6).all()
    assert at[-1] == pytest.approx(1.0) and at[0] == pytest.approx(0.0, abs=1e-12)


def test_a_null_space_has_no_sign() -> None:
    """With ReLU and τ above 2 part of the spectrum is 0."""
    law = relu_hessian(0.5, 3.0)
    values = sample_relu_hessian(0.5, 3.0, 600, np.random.default_rng(1))
    assert float((values == 0).mean()) == pytest.approx(law.atom, abs=1e-12)
    assert float((values < 0).mean()) == pytest.approx(index_of(law), abs=0.01)
    assert distance(values, law) < 8 / 600
    assert distance(values + 0.2, law) > 0.1


def test_an_infinite_density_is_refused() -> None:
    for made in (lambda: marchenko_pastur(1.0), lambda: relu_hessian(0.5, 2.0)):
        with pytest.raises(ValueError, match="infinite density at 0"):
            made()
