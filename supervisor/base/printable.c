/* SPDX-License-Identifier: MIT */
/* printable.c - text from elsewhere that is to disturb neither a terminal nor the next line. */
#include "base/printable.h"

#include <stddef.h>
#include <stdint.h>

/* The bytes of the UTF-8 letter that the text begins with; 0: a control character, or no UTF-8. */
static size_t
letter_length(const unsigned char *text)
{
        static const uint32_t least[] = {[2] = 0xa0, [3] = 0x800, [4] = 0x10000};
        uint32_t letter;
        size_t n;

        if (text[0] < 0x80)
                return text[0] >= ' ' && text[0] != 0x7f;
        n = (text[0] & 0xe0U) == 0xc0 ? 2 : (text[0] & 0xf0U) == 0xe0 ? 3 : 4;
        if (text[0] < 0xc0 || text[0] > 0xf7)
                return 0;
        letter = text[0] & (0x7fU >> n);
        for (size_t i = 1; i < n; i++) {
                if ((text[i] & 0xc0U) != 0x80)
                        return 0;
                letter = letter << 6U | (text[i] & 0x3fU);
        }
        if (letter < least[n] || (letter >= 0xd800 && letter <= 0xdfff) || letter > 0x10ffff)
                return 0;
        return n;
}

/* Put a question mark in the place of every byte of text that is not part of a printable letter. */
void
printable_make(char *text)
{
        size_t n;

        for (; *text; text += n) {
                n = letter_length((const unsigned char *)text);
                if (n == 0) {
                        *text = '?';
                        n = 1;
                }
        }
}
