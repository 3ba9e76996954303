/*
 * sources: platform/xen/blkfront.c platform/xen/blkfront_connect.c platform/xen/blkfront_name.c
 * platform/xen/blkfront_options.c platform/xen/blkfront_pages.c platform/xen/blkfront_probe.c
 * platform/xen/blkfront_request.c platform/xen/blkfront_watch.c platform/xen/grant.c
 * libos/core/blkdev_driver.c
 */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block front end against a backend in memory: all combinations of features, backends that break
 * the rules, fall silent or close, a resume in the middle, and what is left when a disk has gone.
 */
#include "blkfront_load.h"

static void test_sound_backends(void)
{
    static const struct {
        const char *options;
        uint64_t order, indirect, persistent, block;
    } kinds[] = {
        { "", 4, 256, 1, 512 },
        { "ring=16", 4, 256, 1, 4096 },
        { "ring=1,noindirect", 4, 256, 1, 512 },
        { "nopersistent", 4, 256, 1, 512 },
        { "nopersistent,noindirect,ring=1", 4, 256, 0, 4096 },
        { "nopersistent", 2, 20, 0, 512 },
        { "", 0, 0, 0, 1024 },
    };
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        long pages = pages_out;
        reset_peer();
        options = kinds[i].options;
        tell("max-ring-page-order", kinds[i].order);
        tell("feature-max-indirect-segments", kinds[i].indirect);
        tell("sector-size", kinds[i].block);
        if (kinds[i].persistent == 0) {
            back[2].key[0] = '-'; /* feature-persistent is not there */
        }
        EXPECT(attach_disk() == 0 && disk != NULL && disk->block_size == kinds[i].block);
        EXPECT_STR(disk->name, "vda");
        EXPECT_STR(disk->alias, "xvda");
        EXPECT(*node(false, "state", false) == XenbusStateConnected);
        EXPECT(peer.ring_pages == (strstr(options, "ring=16") ? 16 : strstr(options, "ring=1") ? 1
                                   : kinds[i].order ? 4 : 1));
        exercise(120, false);
        EXPECT((peer.indirect > 0) == (kinds[i].indirect > 11 && !strstr(options, "noindirect")));
        EXPECT(peer.most <= (peer.indirect ? kinds[i].indirect < 64 ? kinds[i].indirect : 64 : 11));
        EXPECT((peer.nheld > 0) == peer.persistent);
        EXPECT(peer.events <= peer.served);
        EXPECT(one(BLK_FLUSH, 0, NULL, 0, 0) == 0 && peer.flushes == 1 && peer.barriers == 0);
        EXPECT(one(BLK_DISCARD, 8, NULL, 4096, 0) == 0 && peer.discards == 1);
        EXPECT(peer.data[4095] != 0xdd || peer.data[4094] != 0xdd);
        EXPECT(peer.data[4096] == 0xdd && peer.data[8191] == 0xdd);
        detach_disk(pages);
    }
    options = "";
}

static void test_features(void)
{
    uint8_t *buf = calloc(1, 8192);
    reset_peer();
    peer.refuses[BLKIF_OP_FLUSH_DISKCACHE] = true;
    attach_disk();
    EXPECT(one(BLK_FLUSH, 0, NULL, 0, 0) == 0 && peer.flushes == 0 && peer.barriers == 1);
    EXPECT(disk->has_flush && warnings_logged == 0);
    peer.refuses[BLKIF_OP_WRITE_BARRIER] = peer.refuses[BLKIF_OP_DISCARD] = true;
    EXPECT(one(BLK_FLUSH, 0, NULL, 0, 0) == 0 && !disk->has_flush && warnings_logged == 1);
    EXPECT(one(BLK_DISCARD, 0, NULL, 512, 0) == -ENOTSUP && !disk->has_discard);
    unsigned served = peer.served;
    EXPECT(one(BLK_FLUSH, 0, NULL, 0, 0) == 0 && one(BLK_DISCARD, 0, NULL, 512, 0) == -ENOTSUP);
    EXPECT(peer.served == served);
    detach_disk(0);

    reset_peer();
    options = "noflush,nodiscard";
    attach_disk();
    EXPECT(one(BLK_FLUSH, 0, NULL, 0, 0) == 0 && peer.barriers == 1 && !disk->has_discard);
    detach_disk(0);
    reset_peer();
    options = "noflush,nobarrier";
    tell("info", VDISK_CDROM);
    attach_disk();
    EXPECT(!disk->has_flush && disk->readonly && one(BLK_WRITE, 0, buf, 512, 1) == -EROFS);
    EXPECT(one(BLK_DISCARD, 0, NULL, 512, 0) == -EROFS);
    detach_disk(0);

    /* Who is not trusted sees copies, whatever was asked for. */
    reset_peer();
    options = "nopersistent";
    *node(false, "trusted", true) = 0;
    attach_disk();
    EXPECT(one(BLK_WRITE, 0, buf, 4096, 1) == 0 && ((struct blkfront *)disk)->pool == 1);
    detach_disk(0);
    options = "";

    /* The size changes; what is out of it is refused. */
    reset_peer();
    tell("sector-size", 4096);
    attach_disk();
    EXPECT(one(BLK_READ, 0, buf, 512, 1) == -EINVAL && one(BLK_READ, 1, buf, 4096, 1) == -EINVAL);
    EXPECT(one(BLK_READ, SECTORS, buf, 4096, 1) == -EINVAL);
    EXPECT(one(BLK_READ, UINT64_MAX - 7, buf, 4096, 1) == -EINVAL);
    EXPECT(one(BLK_READ, 0, buf, 0, 1) == -EINVAL && one((enum blk_op)9, 0, buf, 4096, 1) == -EINVAL);
    EXPECT(one(BLK_DISCARD, SECTORS - 8, NULL, 8192, 0) == -EINVAL);
    tell("sectors", 21);
    kind->changed(device, XenbusStateConnected);
    EXPECT(disk->nsectors == 16 && one(BLK_READ, 16, buf, 4096, 1) == -EINVAL);
    EXPECT(one(BLK_READ, 8, buf, 4096, 1) == 0);
    detach_disk(0);
    free(buf);
}

static void test_no_backend(void)
{
    reset_peer();
    peer.never_ready = true;
    EXPECT(attach_disk() == -ETIMEDOUT && errors_logged == 1 && pages_out == 0);
    reset_peer();
    peer.never_connects = true;
    EXPECT(attach_disk() == -ETIMEDOUT && errors_logged == 1 && pages_out == 0);
    reset_peer();
    peer.closes = true;
    EXPECT(attach_disk() == -ENODEV && pages_out == 0);
    static const uint64_t sizes[] = { 0, 256, 1000, 8192, UINT64_MAX };
    for (unsigned i = 0; i < 5; i++) {
        reset_peer();
        tell("sector-size", sizes[i]);
        EXPECT(attach_disk() == -EINVAL && *node(false, "state", false) == XenbusStateClosed);
        EXPECT(!peer.mapped && grants_used() == 0 && warnings_logged == 0); /* it has let go of the ring */
        let_go();
    }
    /* A disk has sectors; a drive may be empty. */
    static const uint64_t counts[] = { 0, (1ULL << 54) + 1, UINT64_MAX };
    for (unsigned i = 0; i < 3; i++) {
        reset_peer();
        errors_logged = 0;
        tell("sectors", counts[i]);
        EXPECT(attach_disk() == (i == 0 ? -EINVAL : -EFBIG) && errors_logged == 1);
        let_go();
    }
    reset_peer();
    tell("sectors", 0);
    tell("info", VDISK_CDROM);
    EXPECT(attach_disk() == 0 && disk->nsectors == 0);
    tell("sectors", 24);
    kind->changed(device, XenbusStateConnected);
    EXPECT(disk->nsectors == 24);
    detach_disk(0);
    reset_peer();
    EXPECT(attach_disk() == 0);
    warnings_logged = 0;
    tell("sectors", 0); /* what can't be does not become its size */
    kind->changed(device, XenbusStateConnected);
    kind->changed(device, XenbusStateConnected);
    EXPECT(disk->nsectors == SECTORS && warnings_logged == 1);
    detach_disk(0);
    EXPECT(grants_used() == 0 && disk != NULL);
}

/*
 * Each kind of wrong costs one line and -EIO for what was out; later requests are refused, and a
 * disk that comes after it works.
 */
static void test_mischief(void)
{
    uint8_t *buf = aligned_alloc(4096, 65536);
    for (int lent = 0; lent < 2; lent++) {
        for (unsigned m = SILENT; m < MISCHIEFS; m++) {
            bool gone = m != BAD_STATUS && (m != KEEPS || lent);
            struct blk_request *list[8];
            reset_peer();
            options = lent ? "nopersistent" : "";
            EXPECT(attach_disk() == 0);
            EXPECT(one(BLK_READ, 0, buf, 512, 1) == 0);
            peer.mischief = m;
            for (unsigned i = 0; i < 8; i++) {
                list[i] = prepare(i, BLK_READ, i * 8, buf + 4096 * i, 4096, 1, 1);
            }
            EXPECT(disk->ops->submit(disk, list, 8) == 8);
            run_peer();
            if (m == SILENT) {
                pass(4000000000ULL);
                EXPECT(errors_logged == 0 && requests[0].calls == 0);
                pass(3000000000ULL);
            }
            event();
            unsigned failed = 0;
            for (unsigned i = 0; i < 8; i++) {
                EXPECT(requests[i].calls == 1);
                failed += requests[i].req.status == -EIO;
            }
            EXPECT(m == TWICE || m == KEEPS ? failed < 8 : failed == 8);
            EXPECT(disk->failed == gone && errors_logged == gone);
            EXPECT(m != BAD_STATUS || warnings_logged == 1);
            peer.mischief = HONEST;
            peer.cons = peer.ring->req_prod; /* too late for what it was silent on */
            struct blk_request *r = prepare(0, BLK_READ, 0, buf, 512, 1, 1);
            EXPECT(disk->ops->submit(disk, &r, 1) == (gone ? -EIO : 1));
            run_peer();
            pass(60000000000ULL);
            EXPECT(errors_logged == gone);
            detach_disk(0);
        }
    }
    options = "";
    free(buf);
}

static void test_no_memory(void)
{
    uint8_t *buf = calloc(1, 65536);
    reset_peer();
    attach_disk();
    no_pages = true;
    EXPECT(one(BLK_READ, 0, buf, 65536, 1) == -ENOMEM);
    no_pages = false;
    EXPECT(one(BLK_READ, 0, buf, 65536, 1) == 0);
    no_pages = true; /* what the pool has is enough from now on */
    EXPECT(one(BLK_READ, 0, buf, 65536, 1) == 0);
    no_pages = false;
    detach_disk(0);
    free(buf);
}

static void test_names(void)
{
    static const struct {
        unsigned number;
        const char *name, *alias;
    } names[] = {
        { 51712, "vda", "xvda" },       { 51713, "vda1", "xvda1" },    { 51728, "vdb", "xvdb" },
        { 51952, "vdp", "xvdp" },       { 51967, "vdp15", "xvdp15" },  { 1 << 28 | 16 << 8, "vdq", "xvdq" },
        { 1 << 28 | 26 << 8 | 17, "vdaa17", "xvdaa17" },               { 2048, "vda", "sda" },
        { 2065, "vdb1", "sdb1" },       { 768, "vda", "hda" },         { 832, "vdb", "hdb" },
        { 5632, "vdc", "hdc" },         { 5696, "vdd", "hdd" },        { 1 << 28 | 701 << 8, "vdzz", "xvdzz" },
        { 1 << 28 | 702 << 8, "", "" }, { 7, "", "" },                 { UINT32_MAX, "", "" },
    };
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char name[BLKDEV_NAME_MAX], alias[BLKDEV_NAME_MAX];
        blkfront_name(names[i].number, name, alias);
        EXPECT_STR(name, names[i].name);
        EXPECT_STR(alias, names[i].alias);
    }
}

static void test_options(void)
{
    struct blkfront_options o;
    warnings_logged = 0;
    blkfront_options_parse(NULL, &o);
    EXPECT(o.ring_pages == 4 && o.indirect && o.flush && o.barrier && o.discard);
    blkfront_options_parse("ring=7,,noindirect,nopersistent,noflush", &o);
    EXPECT(o.ring_pages == 4 && !o.indirect && !o.persistent && !o.flush && o.discard);
    blkfront_options_parse("ring=999", &o);
    EXPECT(o.ring_pages == 16 && warnings_logged == 0);
    blkfront_options_parse("ring=0", &o);
    blkfront_options_parse("ring=", &o);
    blkfront_options_parse("ring=1x", &o);
    blkfront_options_parse("noindirec", &o);
    EXPECT(warnings_logged == 4 && o.indirect);
}

int main(void)
{
    begin();
    test_names();
    test_options();
    test_sound_backends();
    test_features();
    test_no_backend();
    test_mischief();
    test_no_memory();
    return end();
}
