"""Minima and saddles of benchmark functions: Newton's method in 40 digits, rounded to float64.

Every list is in the order of increasing value. A saddle has index 1. Places and values have the units of the function.
"""

CriticalPoint = tuple[tuple[float, ...], float]  # place, value
CriticalPoints = tuple[CriticalPoint, ...]

# All 6 minima and all 7 saddles. The first five saddles end bars; the last two close loops, one around each maximum.
SIX_HUMP_CAMEL_MINIMA: CriticalPoints = (
    ((-0.08984201310031806, 0.7126564030207396), -1.0316284534898774),
    ((0.08984201310031806, -0.7126564030207396), -1.0316284534898774),
    ((-1.703606714969981, 0.7960835686726251), -0.21546382438371764),
    ((1.703606714969981, -0.7960835686726251), -0.21546382438371764),
    ((-1.6071047529201972, -0.5686514548841314), 2.1042503103112584),
    ((1.6071047529201972, 0.5686514548841314), 2.1042503103112584),
)
SIX_HUMP_CAMEL_SADDLES: CriticalPoints = (
    ((0.0, 0.0), 0.0),
    ((-1.1092053368047865, 0.7682680925095399), 0.5437186009781851),
    ((1.1092053368047865, -0.7682680925095399), 0.5437186009781851),
    ((-1.6380679841897785, -0.22867406904439408), 2.2293571975307147),
    ((1.6380679841897785, 0.22867406904439408), 2.2293571975307147),
    ((-1.2960702671671092, -0.6050843880386585), 2.22947081802986),
    ((1.2960702671671092, 0.6050843880386585), 2.22947081802986),
)

# All 3 minima and both saddles.
MUELLER_BROWN_MINIMA: CriticalPoints = (
    ((-0.5582236346330243, 1.4417258418046686), -146.69951720995402),
    ((0.6234994049308765, 0.028037758528685664), -108.16672411685235),
    ((-0.050010822998206056, 0.4666941048719721), -80.76781812965903),
)
MUELLER_BROWN_SADDLES: CriticalPoints = (
    ((0.212486582000662, 0.2929883251073678), -72.24894011232522),
    ((-0.8220015587327321, 0.6243128028148713), -40.664843508657405),
)

# All 4 minima and all 4 saddles. The first three saddles end bars; the last closes the loop around the maximum.
HIMMELBLAU_MINIMA: CriticalPoints = (
    ((-3.779310253377747, -3.2831859912861696), 0.0),
    ((-2.805118086952745, 3.131312518250573), 0.0),
    ((3.0, 2.0), 0.0),
    ((3.5844283403304917, -1.8481265269644036), 0.0),
)
HIMMELBLAU_SADDLES: CriticalPoints = (
    ((3.385154183607021, 0.07385187983774928), 13.31192627040559),
    ((0.08667750455539636, 2.884254701174776), 67.71915008752615),
    ((-3.0730257507643897, -0.08135304428796751), 104.0151629175581),
    ((-0.12796134673068008, -1.9537149802445763), 178.33723920192747),
)

# The lowest minimum only, of many.
LANGERMANN_MINIMA: CriticalPoints = (((2.0029921199344654, 1.0060959402921885), -5.162126159963982),)

# The 4 lowest of 56 minima. The saddles lie on lines where the function is zero and has no gradient.
HOLDER_TABLE_MINIMA: CriticalPoints = tuple(
    ((x, y), -19.208502567886732)
    for x in (-8.055023475736563, 8.055023475736563)
    for y in (-9.664590019241272, 9.664590019241272)
)


def rastrigin_minima(dim: int) -> CriticalPoints:
    """The origin and its 2·dim nearest minima, of many."""
    return (_origin(dim), *_on_axes(dim, 0.9949586376523348, 0.9949590570932914))


def rastrigin_saddles(dim: int) -> CriticalPoints:
    """The 2·dim saddles between the origin and its nearest minima."""
    return _on_axes(dim, 0.5025460365546747, 20.251272990990113)


def schwefel26_minima(dim: int) -> CriticalPoints:
    """The lowest minimum only, of many. Its value is not zero, since 418.9829 is rounded."""
    return (((420.96874635998205,) * dim, 1.2727566293725214e-05 * dim),)


def _origin(dim: int) -> CriticalPoint:
    return (0.0,) * dim, 0.0


def _on_axes(dim: int, place: float, value: float) -> CriticalPoints:
    """The points at ``place`` and −``place`` on every axis."""
    places = [[sign * place if i == axis else 0.0 for i in range(dim)] for axis in range(dim) for sign in (-1, 1)]
    return tuple((tuple(point), value) for point in places)


# The origin, its 4 nearest minima, of many, and the 4 saddles between them.
WAVY_MINIMA: CriticalPoints = (_origin(2), *_on_axes(2, 0.6221054827821945, 0.08876322590945622))
WAVY_SADDLES: CriticalPoints = _on_axes(2, 0.31104977023055846, 0.9761574575562666)


def bent_double_well_minima(dim: int) -> CriticalPoints:
    """Both minima."""
    return tuple(((x, *(0.0,) * (dim - 1)), 0.0) for x in (-1.0, 1.0))


def bent_double_well_saddles(dim: int) -> CriticalPoints:
    """The only saddle: x_i = sin(π (i − 1)/2)/(i − 1)²."""
    bend = tuple((0.0, 1.0, 0.0, -1.0)[i % 4] / i**2 for i in range(1, dim))
    return (((0.0, *bend), 1.0),)
