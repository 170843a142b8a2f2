/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef EXT_H
#define EXT_H

#include <stdbool.h>
#include <stdint.h>

/* "ext": a bus that is none of this project's.  Its cards are files in memory, which its own
 * driver, "ext", maps; a card is pulled by cutting its file to nothing. */

#define EXT_CARD "ext0"
#define EXT_BAR_LEN 65536
#define EXT_REGISTER 0x100      /* reads 0x1234 */

int ext_register(void);         /* with the library */
int ext_unregister(void);
int ext_insert(void);           /* the one card that there can be */
void ext_pull(void);            /* surprise: gone, and its descriptor hangs up */
/* Its number, 0: there is none; its registers, and what hangs up. */
uint64_t ext_card(int *file, int *sign);
void ext_disarm_refuses(bool it_does);

/* Of its driver. */
extern _Atomic unsigned int ext_n_probed, ext_n_closed, ext_n_disarmed, ext_n_lost;
unsigned int ext_read(void);    /* a register, as a driver's burst reads it */

#endif /* EXT_H */
