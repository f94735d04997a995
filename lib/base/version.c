#include <kfk/version.h>

const char *kfk_version(void)
{
    return KFK_VERSION_STRING;
}
