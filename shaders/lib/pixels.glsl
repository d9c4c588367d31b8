// 8-bit pixels in 32-bit words, lowest byte first.
#define PIXELS(slot)                                                                   \
    layout(set = 0, binding = slot, std430) readonly restrict buffer pixels_buffer { \
        uint pixel_words[];                                                            \
    };

#define pixel(i) float((pixel_words[(i) >> 2] >> (8 * ((i) & 3))) & 255u)
