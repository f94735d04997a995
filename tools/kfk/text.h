/* text: what Java makes of bytes and numbers when it prints them. */
#ifndef TOOLS_KFK_TEXT_H
#define TOOLS_KFK_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <kfk/types.h>

/* Bytes in an encoding that iconv knows (NULL: UTF-8), as UTF-8; U+FFFD stands for what is none. */
void text_decode(FILE *out, kfk_bytes b, const char *encoding);
bool text_knows(const char *encoding);
/* The shortest decimal that reads as the number; |single|: as a float. */
void text_double(FILE *out, double x, bool single);

#endif
