/* SPDX-License-Identifier: MIT */
/* upgrade.h - the verb `upgrade`: sup re-executes itself. */
#ifndef SUP_CLI_UPGRADE_H
#define SUP_CLI_UPGRADE_H

#include "cli/conversation.h"

int upgrade_run(Conversation *c, const VerbOptions *o);

#endif
