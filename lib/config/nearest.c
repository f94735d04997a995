#include "config/nearest.h"

enum { MOST_COMPARED = 80 }; /* longer than the name of any property */

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;

    return m < c ? m : c;
}

/* How many characters have to be put in, left out or replaced to make |b| of |a|; |b| has at most
 * MOST_COMPARED. */
static size_t distance(kfk_bytes a, kfk_bytes b)
{
    const char *from = a.data, *to = b.data;
    size_t row[MOST_COMPARED + 1];

    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t above = row[j];

            row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (from[i - 1] != to[j - 1]));
            diagonal = above;
        }
    }
    return row[b.len];
}

kfk__nearest kfk__nearest_to(kfk_bytes name)
{
    return (kfk__nearest){.name = name, .best = name.len / 2 + 1};
}

void kfk__nearest_try(kfk__nearest *n, kfk_bytes known)
{
    size_t d;

    if (n->name.len > MOST_COMPARED || known.len > MOST_COMPARED)
        return;
    d = distance(n->name, known);
    if (d >= n->best)
        return;
    n->best = d;
    n->known = known;
}
