// rowShift is a number near the mean of a row of x, which kernels take off the row
// as they load it, so that neither its variance nor its product with centred
// weights loses digits where the mean is large (numerics 6.5). It is the mean of
// the first sixteen channels: no channel is further than √(K − 1) deviations from
// the mean of K, so that their mean is at most √(K/16) deviations off, whatever the
// row. The row's quads are at from, from + step …; the file that includes this one
// declares the input x.
float rowShift(uint from, uint step, uint columns) {
    float sum = 0;
    [[unroll]] for (uint q = 0; q < 4; q++) {
        const bool inside = 4 * q < columns;
        const vec4 v = x(inside ? from + q * step : from);
        sum += inside ? sum4(v) : 0.0;
    }
    return sum / float(min(columns, 16));
}
