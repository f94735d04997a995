#include "membership/order.h"

#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"

/* 0xee and 0xef begin U+E000 to U+FFFF; 0xf0 to 0xf4, what lies beyond. */
static int weight(uint8_t byte)
{
    return byte == 0xee || byte == 0xef ? byte + 0x10 : byte;
}

int kfk__order_names(kfk_bytes a, kfk_bytes b)
{
    const uint8_t *x = a.data, *y = b.data;
    size_t n = a.len < b.len ? a.len : b.len, i = 0;

    if (!x || !y)
        return (x != NULL) - (y != NULL);
    while (i < n && x[i] == y[i])
        i++;
    if (i < n)
        return weight(x[i]) - weight(y[i]);
    return (a.len > b.len) - (a.len < b.len);
}

/* Two runs, [0, mid) and [mid, n), into one. */
static void merge(const int32_t *from, size_t mid, size_t n, int32_t *to, kfk__order_fn *order,
                  const void *context)
{
    size_t a = 0, b = mid;

    for (size_t i = 0; i < n; i++) {
        bool first = a < mid && (b == n || order(context, from[a], from[b]) <= 0);

        to[i] = first ? from[a++] : from[b++];
    }
}

void kfk__order_sort(int32_t *v, int32_t *space, size_t n, kfk__order_fn *order,
                     const void *context)
{
    for (size_t run = 1; run < n; run *= 2) {
        for (size_t at = 0; at < n; at += 2 * run) {
            size_t len = n - at < 2 * run ? n - at : 2 * run;

            merge(v + at, run < len ? run : len, len, space + at, order, context);
        }
        memcpy(v, space, n * sizeof *v);
    }
}

static void swap(uint8_t *a, uint8_t *b, size_t size)
{
    uint8_t other[KFK__ORDER_ELEMENT];

    memcpy(other, a, size);
    memcpy(a, b, size);
    memcpy(b, other, size);
}

/* The element at |at| moves down in the heap to where it belongs. */
static void sink(uint8_t *v, size_t at, size_t n, size_t size, kfk__order_elements_fn *order)
{
    for (size_t child = 2 * at + 1; child < n; at = child, child = 2 * at + 1) {
        if (child + 1 < n && order(v + child * size, v + (child + 1) * size) < 0)
            child++;
        if (order(v + at * size, v + child * size) >= 0)
            return;
        swap(v + at * size, v + child * size, size);
    }
}

void kfk__order_in_place(void *elements, size_t n, size_t size, kfk__order_elements_fn *order)
{
    uint8_t *v = elements;

    for (size_t i = n / 2; i-- > 0;)
        sink(v, i, n, size, order);
    for (size_t i = n; i-- > 1;) {
        swap(v, v + i * size, size);
        sink(v, 0, i, size, order);
    }
}
