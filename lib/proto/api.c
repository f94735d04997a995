#include "proto/proto.h"

const kfk__api *kfk__api_by_key(int16_t key)
{
    for (size_t i = 0; i < kfk__n_apis; i++)
        if (kfk__apis[i]->key == key)
            return kfk__apis[i];
    return NULL;
}
