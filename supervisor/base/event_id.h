/* SPDX-License-Identifier: MIT */
/* event_id.h - the MESSAGE_ID of each kind of event. Knows their names, not when they happen. */
#ifndef SUP_BASE_EVENT_ID_H
#define SUP_BASE_EVENT_ID_H

const char *event_id(const char *event);

#endif
