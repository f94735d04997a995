/* <kfk/kfk.h>: all of libkfk. kfk(3) is the place to start. */
#ifndef KFK_KFK_H
#define KFK_KFK_H

#include <kfk/admin.h>
#include <kfk/admin_groups.h>
#include <kfk/assignor.h>
#include <kfk/config.h>
#include <kfk/consumer.h>
#include <kfk/error.h>
#include <kfk/group.h>
#include <kfk/metrics.h>
#include <kfk/producer.h>
#include <kfk/records.h>
#include <kfk/types.h>
#include <kfk/version.h>

#endif
