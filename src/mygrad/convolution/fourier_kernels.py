"""Convolution by Fourier transforms, as LLVM IR: the lanes of a vector are tiles, two tiles in each.

    X[frequency][channel][2][lane] of pairs of tiles, one the real part, the other the imaginary part
    W[frequency][vector][2][lane]   of filters, which are the lanes of their transforms
    Y[filter][frequency][2][lane] = sum_channel X conj(W), whose inverse has the outputs of both tiles
    Y[frequency][2][plane] = sum_lane X conj(G) of a filter gradient with few channels and filters

Images are transformed where they stay in a cache, and then laid out by frequency: products read in order.
"""

from dataclasses import dataclass

from mygrad.convolution.copying import Fields
from mygrad.convolution.fft_passes import Complex, complex_at, transform
from mygrad.convolution.ir import Callee, Code, Value, Values, Vectors, declarations, function
from mygrad.convolution.jit import emits
from mygrad.convolution.tile import in_parts
from mygrad.convolution.turning import TURN_FIELDS, Bring, PutBack, Turning

__all__ = [
    "PRODUCT_FIELDS",
    "REDUCTION_FIELDS",
    "TRANSFORM_FIELDS",
    "ProductsTile",
    "ReductionsTile",
    "TransformsTile",
]

# One i64 each; offsets and distances in bytes. The two tables of lanes are for real and imaginary parts, the
# second is 0 where there are none; `counts` are lanes that stay, of both, or 0 where all do. `clear` are the
# bytes of an image that the array does not fill.
TURNED = "squares", "square_count", "singles", "single_count"
PASSES = "passes", "stages", "stage_count"
PART = 32  # channels whose products are added before those of others: short sums have small errors
TRANSFORM_FIELDS = (
    "first", "second", "counts", *TURNED, *PASSES, "images", "offsets", "target", "points", "pitch", "clear",
)  # fmt: skip
PRODUCT_FIELDS = (
    "x_offset", "channels", "x_pitch", "points", "w_pitch", "first_block", "blocks", "filters", "scale",
    "first", "second", *TURNED, *PASSES, "y_filters", "room",
)  # fmt: skip
REDUCTION_FIELDS = (
    "pairs", "x_pair", "x_pitch", "g_pair", "g_pitch", "points", "planes", "x_planes", "g_planes", "scale",
    "first", *TURNED, *PASSES, "clear",
)  # fmt: skip


@dataclass(frozen=True)
class TransformsTile(Vectors):
    """What brings images and transforms them."""

    @property
    def callees(self) -> tuple[Callee, ...]:
        return (Bring(self.itemsize, self.lanes),)


@dataclass(frozen=True)
class ProductsTile(Vectors):
    """What multiplies spectra, for `filters` at a time, and transforms them back."""

    filters: int

    @property
    def callees(self) -> tuple[Callee, ...]:
        return (PutBack(self.itemsize, self.lanes),)


@dataclass(frozen=True)
class ReductionsTile(Vectors):
    """What sums products of spectra over all tiles, and transforms the sums back."""

    @property
    def callees(self) -> tuple[Callee, ...]:
        return (PutBack(self.itemsize, self.lanes),)


def _turn(code: Code, p: Fields, kind: type[Turning], lanes: str, arrays: tuple[str, str]) -> None:
    """Exchange one plane of an array and an image, with tables of `p`."""
    given = {name: getattr(p, name) for name in TURNED} | {"lanes": lanes, "plane_count": 1}
    given["planes"] = code.put("ptrtoint ptr %plane to i64")
    for n, name in enumerate(TURN_FIELDS):
        code.store("i64", str(given.get(name, 0)), code.at("%turn", 8 * n), 8)
    kind(code.itemsize, code.lanes).call(code, ("%turn", *arrays))


def _transform(code: Code, p: Fields, image: str) -> None:
    transform(code, image, p.address(code, "passes"), p.address(code, "stages"), p.stage_count)


def _make_room(code: Code) -> None:
    code.room("turn", 8 * len(TURN_FIELDS))
    code.room("plane", 16)
    code.clear("%plane", 16)


@emits(TransformsTile)
def emit_transforms(tile: TransformsTile) -> str:
    """Return the module of transforms: a `block` is some images of one vector."""
    code, size = tile.code(), tile.vector_bytes
    _make_room(code)
    p = Fields(code, TRANSFORM_FIELDS)
    offsets, pair = p.address(code, "offsets"), code.flag("ne", p.second, 0)
    apart, alone = code.flag("ne", p.pitch, 2 * size), code.put(f"icmp eq i64 {p.pitch}, {2 * size}")

    def image(number: str) -> None:
        source = code.at("%x", code.integer(code.entry(offsets, number)))
        target = code.at(code.at("%y", p.target), code.multiply(number, 2 * size))
        room = code.put(f"select i1 {alone}, ptr {target}, ptr %work")
        code.clear(room, p.clear)
        _turn(code, p, Bring, p.first, (source, room))
        code.do_when(pair, lambda: _turn(code, p, Bring, p.second, (source, code.at(room, size))))
        code.do_when(code.flag("ne", p.counts, 0), lambda: some_lanes(room))
        _transform(code, p, room)
        code.do_when(apart, lambda: code.each(p.points, lambda point: lay_out(point, room, target)))

    def some_lanes(room: str) -> None:
        counts = p.address(code, "counts")
        masks = [code.below_lane(code.integer(code.at(counts, 8 * n))) for n in range(2)]

        def one(point: str) -> None:
            for n, mask in enumerate(masks):
                place = code.at(room, code.add(code.multiply(point, 2 * size), n * size))
                code.store(code.vector, code.masked(mask, code.vector_at(place, size)), place, size)

        code.each(p.points, one)

    def lay_out(point: str, room: str, target: str) -> None:
        source = code.at(room, code.multiply(point, 2 * size))
        place = code.at(target, code.multiply(point, p.pitch))
        for part in (0, size):
            code.store(code.vector, code.vector_at(code.at(source, part), size), code.at(place, part), size)

    code.each(p.images, image)
    lines = declarations(code, tile.callees)
    return "\n".join(lines + function("block", "parameters x packed y work sums", "", code))


def _added(code: Code, x: Complex, w: Complex, total: Complex) -> Complex:
    """Return total + x conj(w)."""
    real = code.fma(x[1], w[1], code.fma(x[0], w[0], total[0]))
    return real, code.fma(code.negative(x[0]), w[1], code.fma(x[1], w[0], total[1]))


class Products:
    """Write the function of some blocks of filters of as many pairs of tiles as there are lanes."""

    tile: ProductsTile
    code: Code
    p: Fields
    size: int
    scale: str
    y_filters: str

    def __init__(self, tile: ProductsTile) -> None:
        self.tile, self.code, self.size = tile, tile.code(), tile.vector_bytes
        code = self.code
        _make_room(code)
        code.room("waiting", 2 * tile.filters * self.size)
        self.p = p = Fields(code, PRODUCT_FIELDS)
        self.scale = code.broadcast(p.address(code, "scale"))
        self.y_filters = p.address(code, "y_filters")
        code.each(p.blocks, lambda n: self._block(code.add(p.first_block, n)))

    def _block(self, block: Value) -> None:
        code, p, tile = self.code, self.p, self.tile
        code.each(p.points, lambda point: self._point(block, point))
        first = code.multiply(block, tile.filters)
        left = code.smaller(tile.filters, code.subtract(p.filters, first))
        code.each(left, lambda n: self._back(n, code.add(first, n)))

    def _point(self, block: Value, point: str) -> None:
        """Fill in Y of one frequency."""
        code, p, tile = self.code, self.p, self.tile
        x = code.at(code.at("%x", p.x_offset), code.multiply(point, p.x_pitch))
        w = code.at("%packed", code.multiply(point, p.w_pitch))

        def channel(c: Value, sums: Values) -> Values:
            source = code.at(x, code.multiply(c, 2 * self.size))
            image = code.multiply(code.add(code.multiply(block, p.channels), c), tile.filters)
            vector, lane = code.divide(image, tile.lanes)
            place = code.add(code.multiply(vector, 2 * self.size), code.multiply(lane, tile.itemsize))
            return self._products(complex_at(code, source), code.at(w, place), sums)

        sums = in_parts(code, 2 * tile.filters, p.channels, str(PART), channel)
        for n, value in enumerate(sums):
            image = code.at("%work", code.multiply(n // 2, p.room))
            target = code.at(image, code.add(code.multiply(point, 2 * self.size), n % 2 * self.size))
            code.store(code.vector, code.product(value, self.scale), target, self.size)

    def _products(self, x: Complex, filters: str, sums: Values) -> Values:
        """sums[filter] += x conj(w[filter])."""
        code, results = self.code, list[str]()
        for f in range(self.tile.filters):
            place = code.at(filters, f * code.itemsize)
            w = code.broadcast(place), code.broadcast(code.at(place, self.size))
            results += _added(code, x, w, (sums[2 * f], sums[2 * f + 1]))
        return results

    def _back(self, number: str, f: Value) -> None:
        """Transform the sums of a filter back, and put them where outputs are."""
        code, p = self.code, self.p
        image = code.at("%work", code.multiply(number, p.room))
        _transform(code, p, image)
        y = code.at("%y", code.integer(code.entry(self.y_filters, f)))
        for lanes, start in ((p.first, image), (p.second, code.at(image, self.size))):
            _turn(code, p, PutBack, lanes, (y, start))


@emits(ProductsTile)
def emit_products(tile: ProductsTile) -> str:
    """Return the module of products."""
    code = Products(tile).code
    lines = declarations(code, tile.callees)
    return "\n".join(lines + function("block", "parameters x packed y work sums", "", code))


class Reductions:
    """Write the function of some planes (filter, channel) of a filter gradient: lanes, once summed."""

    code: Code
    p: Fields
    size: int

    def __init__(self, tile: ReductionsTile) -> None:
        self.code, self.size = tile.code(), tile.vector_bytes
        code = self.code
        _make_room(code)
        self.p = p = Fields(code, REDUCTION_FIELDS)
        scale = code.broadcast(p.address(code, "scale"))
        x_planes, g_planes = p.address(code, "x_planes"), p.address(code, "g_planes")
        code.clear("%work", p.clear)

        def plane(number: str) -> None:
            x, g = (
                code.at(array, code.integer(code.entry(planes, number)))
                for array, planes in (("%x", x_planes), ("%packed", g_planes))
            )
            target = code.entry("%work", number, code.itemsize)
            code.each(p.points, lambda point: self._point(point, (x, g), target, scale))

        code.each(p.planes, plane)
        _transform(code, p, "%work")
        _turn(code, p, PutBack, p.first, ("%y", "%work"))

    def _point(self, point: str, planes: tuple[str, str], target: str, scale: str) -> None:
        """Put the sum over all tiles, of one frequency, into a lane."""
        code, p = self.code, self.p
        x, g = (
            code.at(plane, code.multiply(point, pitch))
            for plane, pitch in zip(planes, (p.x_pitch, p.g_pitch), strict=True)
        )

        def pair(number: str, sums: Values) -> Values:
            places = code.at(x, code.multiply(number, p.x_pair)), code.at(g, code.multiply(number, p.g_pair))
            data, gradients = (complex_at(code, place) for place in places)
            return list(_added(code, data, gradients, (sums[0], sums[1])))

        sums = code.loop(p.pairs, pair, ["zeroinitializer"] * 2, code.vector)
        place = code.at(target, code.multiply(point, 2 * self.size))
        for n, value in enumerate(sums):
            code.store(code.scalar, code.total(code.product(value, scale)), code.at(place, n * self.size))


@emits(ReductionsTile)
def emit_reductions(tile: ReductionsTile) -> str:
    """Return the module of reductions."""
    code = Reductions(tile).code
    lines = declarations(code, tile.callees)
    return "\n".join(lines + function("block", "parameters x packed y work sums", "", code))
