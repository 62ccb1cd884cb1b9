"""Key codes of every set that clients may send, as the numbers that QEMU takes (qnum).

Written as runs, all numbers in hexadecimal: `1e:1e` says that code 0x1e of the set is key 0x1e, and `1:1*53` that the
0x53 codes from 1 on are the keys from 1 on. The facts are the public key code lists (virkeycode-*(7)), in which a key
has the same name in every set; a code that two keys share is the first one's.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Final

from pyvirtd.protocol.constants.domain import KeycodeSet

HIGHEST: Final = 0xFFFF
"""Of any set."""

NAMES: Final = ("linux", "xt", "atset1", "atset2", "atset3", "os_x", "xt_kbd", "usb", "win32", "qnum")
"""By number of the set, for messages."""


def to_qnum(codeset: int, code: int) -> int | None:
    """QEMU's number for a key of a set; None when the set has no such key. Raises KeyError for an unknown set."""
    if codeset == KeycodeSet.QNUM:
        return code
    return _table(codeset).get(code)


@functools.cache
def _table(codeset: int) -> Mapping[int, int]:
    # Set 1 is what the XT keyboard's controller hands on.
    runs = _RUNS[KeycodeSet.ATSET1 if codeset == KeycodeSet.XT else codeset]
    table: dict[int, int] = {}
    for run in runs.split():
        start, _, rest = run.partition(":")
        first, _, count = rest.partition("*")
        for offset in range(int(count, 16) if count else 1):
            table[int(start, 16) + offset] = int(first, 16) + offset
    return table


_RUNS: Final[dict[int, str]] = {
    KeycodeSet.LINUX: """
        1:1*53 54:95 55:76 56:56*3 59:73 5a:78 5b:77 5c:79 5d:70 5e:7b 5f:5c 60:9c*2 62:b5 63:54 64:b8 65:5b 66:c7*3
        69:cb 6a:cd 6b:cf*5 70:ef 71:a0 72:ae 73:b0 74:de 75:59 76:ce 77:c6 78:8b 79:7e 7a:72 7b:71 7c:7d 7d:db*3
        80:e8 81:85*3 84:8c 85:f8 86:64*2 88:c1 89:bc 8a:f5 8b:9e 8c:a1 8d:66 8e:df 8f:e3 90:67*3 93:93 94:9f 95:97
        96:82 97:6a 98:92 99:6b 9a:a6 9b:ec 9c:e6 9d:eb 9e:ea 9f:e9 a0:a3 a1:6c a2:fd a3:99 a4:a2 a5:90 a6:a4 a7:b1
        a8:98 a9:63 ab:81 ac:b2 ad:e7 b0:88 b1:75 b2:8f b3:f6 b4:fb b5:89*2 b7:5d*3 ba:55 bb:83 bc:f7 bd:84 be:5a
        bf:74 c0:f9 c1:6d c2:6f c3:95 c4:95 c5:95 c6:95 c7:95 c8:a8*2 ca:ab*3 cd:a5 ce:af cf:b3*2 d1:b6 d2:b9*3
        d5:bd*4 d9:e5 da:c2*4 de:94 df:ca e0:cc e1:d4 e2:ed e3:d6*5 e8:e4 e9:8e ea:d5 eb:f0*5 f7:95 f8:95 f9:95
        fa:95 fb:95 fc:95 fd:95 fe:95 ff:95
    """,
    KeycodeSet.ATSET1: """
        1:1*5f 63:63*b 6f:6f*b 7b:7b 7d:7d*2 e001:81*c e00e:8e*3 e012:92*4 e016:95 e017:97*3 e01a:95 e01b:95
        e01c:9c*b e027:95 e028:a8*2 e02b:ab*c e038:b8*28 e063:e3*b e06f:ef*b e07b:fb e07d:fd
    """,
    KeycodeSet.ATSET2: """
        1:43 3:3f 4:3d 5:3b*2 7:58 9:44 a:42 b:40 c:3e d:f e:29 f:59 11:38 12:2a 13:70 14:1d 15:10 16:2 1a:2c 1b:1f
        1c:1e 1d:11 1e:3 21:2e 22:2d 23:20 24:12 25:5 26:4 27:5c 29:39 2a:2f 2b:21 2c:14 2d:13 2e:6 2f:5d 31:31
        32:30 33:23 34:22 35:15 36:7 37:5e 3a:32 3b:24 3c:16 3d:8*2 3f:5f 41:33 42:25 43:17*2 45:b 46:a 49:34*2
        4b:26*2 4d:19 4e:c 51:73 52:28 54:1a 55:d 58:3a 59:36 5a:1c 5b:1b 5d:2b 5f:76 61:56 62:77*3 66:e 67:7b 69:4f
        6a:7d 6b:4b 6c:47 6d:7e 70:52*2 72:50 73:4c*2 75:48 76:1 77:45 78:57 79:4e 7a:51 7b:4a 7c:37 7d:49 7e:46
        7f:54 83:41 e010:e5 e011:b8 e012:95 e014:9d e015:90 e018:e6 e01f:db e020:e7 e021:ae e023:a0 e027:dc e028:e8
        e02b:a1 e02f:dd e030:e9 e032:b0 e034:a2 e037:de e038:ea e03a:b2 e03b:a4 e03f:df e040:eb e048:ec e04a:b5
        e04d:99 e050:ed e05a:9c e05e:e3 e069:cf e06b:cb e06c:c7 e06f:ef e070:d2*2 e072:d0 e074:cd e075:c8 e077:c6
        e079:ce e07a:d1 e07d:c9
    """,
    KeycodeSet.ATSET3: """
        7:3b 8:1 9:f5 a:e8 b:85*2 d:f e:29 f:3c 10:87 11:1d 12:2a 13:56 14:3a 15:10 16:2 17:3d 18:f8 19:38 1a:2c
        1b:1f 1c:1e 1d:11 1e:3 1f:3e 20:64 21:2e 22:2d 23:20 24:12 25:5 26:4 27:3f 28:65 29:39 2a:2f 2b:21 2c:14
        2d:13 2e:6 2f:40 30:c1 31:31 32:30 33:23 34:22 35:15 36:7 37:41 38:bc 39:b8 3a:32 3b:24 3c:16 3d:8*2 3f:42
        41:33 42:25 43:17*2 45:b 46:a 47:43 49:34 4a:b5 4b:26*2 4d:19 4e:4a 4f:44 52:28 54:1a 55:d 56:57 57:54 58:9d
        59:36 5a:1c 5b:1b 5c:2b 5d:7d 5e:58 5f:46 60:d0 61:cb 62:c6 63:c8 64:d3 65:cf 66:e 67:d2 69:4f 6a:cd 6b:4b
        6c:47 6d:d1 6e:c7 6f:c9 70:52*2 72:50 73:4c*2 75:48 76:45 79:9c 7a:51 7c:4e 7d:49 7e:37 7f:5d*3 82:55 83:83
        85:7b 86:79 87:70 8b:db*3 8e:ef 91:9e 93:99 94:90 95:b0 96:92 97:b2 98:a4 9a:a3 9b:a6 9c:a0 9d:ae 9e:b1
        9f:98 a0:9f a1:97 a2:93 a3:a1
    """,
    KeycodeSet.OSX: """
        0:1e*4 4:23 5:22 6:2c*4 a:56 b:30 c:10*4 10:15 11:14 12:2*4 16:7 17:6 18:d 19:a 1a:8 1b:c 1c:9 1d:b 1e:1b
        1f:18 20:16 21:1a 22:17 23:19 24:1c 25:26 26:24 27:28 28:25 29:27 2a:2b 2b:33 2c:35 2d:31*2 2f:34 30:f 31:39
        32:29 33:e 35:1 36:dc 37:db 38:2a 39:3a 3a:38 3b:1d 3c:36 3d:b8 3e:9d 40:83 41:53 43:37 45:4e 47:45 48:b0
        49:ae 4a:a0 4b:b5 4c:9c 4e:4a 4f:f7 50:84 51:59 52:52 53:4f*3 56:4b*3 59:47 5a:5a 5b:48*2 5d:7d 5e:73 5f:7e
        60:3f*3 63:3d 64:42*2 67:57 69:5d 6a:55 6b:5e 6d:44 6f:58 71:5f 72:d2 73:c7 74:c9 75:d3 76:3e 77:cf 78:3c
        79:d1 7a:3b 7b:cb 7c:cd 7d:d0 7e:c8
    """,
    KeycodeSet.XT_KBD: """
        1:1*5f 63:63*b 6f:6f*b 7b:7b 7d:7d*2 101:81*c 10e:8e*3 112:92*4 116:95 117:97*3 11a:95 11b:95 11c:9c*b
        127:95 128:a8*2 12b:ab*c 138:b8*28 163:e3*b 16f:ef*b 17b:fb 17d:fd
    """,
    KeycodeSet.USB: """
        4:1e 5:30 6:2e 7:20 8:12 9:21*3 c:17 d:24*3 10:32 11:31 12:18*2 14:10 15:13 16:1f 17:14 18:16 19:2f 1a:11
        1b:2d 1c:15 1d:2c 1e:2*a 28:1c 29:1 2a:e*2 2c:39 2d:c*2 2f:1a*2 31:2b 32:2b 33:27*3 36:33*3 39:3a*b 44:57*2
        46:54 47:46 48:c6 49:d2 4a:c7 4b:c9 4c:d3 4d:cf 4e:d1 4f:cd 50:cb 51:d0 52:c8 53:45 54:b5 55:37 56:4a 57:4e
        58:9c 59:4f*3 5c:4b*3 5f:47*3 62:52*2 64:56 65:dd*2 67:59 68:5d*3 6b:55 6c:83 6d:f7 6e:84 6f:5a 70:74 71:f9
        72:6d 73:6f 74:64 75:f5 76:9e 77:8c 78:e8 79:85 7a:87 7b:bc 7c:f8 7d:65 7e:c1 7f:a0 80:b0 81:ae 85:7e 87:73
        88:70 89:7d 8a:79 8b:7b 8c:5c 90:72 91:71 92:78 93:77 94:76 b6:f6 b7:fb e0:1d e1:2a e2:38 e3:db e4:9d e5:36
        e6:b8 e7:dc e8:a2 e9:a4 ea:90 eb:99 ec:6c ed:b0 ee:ae ef:a0 f0:82 f1:ea f2:e9 f3:e8 f4:c1 f5:75 f6:8f f7:88
        f8:df f9:92 fa:e7 fb:a1
    """,
    KeycodeSet.WIN32: """
        8:e*2 d:1c 10:2a 11:1d 12:38 13:c6 14:3a 1b:1 1c:79 1d:7b 20:39 21:c9 22:d1 23:cf 24:c7 25:cb 26:c8 27:cd
        28:d0 2a:b9 2c:54 2d:d2*2 2f:f5 30:b 31:2*9 41:1e 42:30 43:2e 44:20 45:12 46:21*3 49:17 4a:24*3 4d:32 4e:31
        4f:18*2 51:10 52:13 53:1f 54:14 55:16 56:2f 57:11 58:2d 59:15 5a:2c 5b:db*3 5f:df 60:52 61:4f*3 64:4b*3
        67:47*3 6a:37 6b:4e 6d:4a 6e:53 6f:b5 70:3b*a 7a:57*2 7c:5d*3 7f:55 80:83 81:f7 82:84 83:5a 84:74 85:f9
        86:6d 87:6f 90:45*2 a0:2a a1:36 a2:1d a3:9d a4:38 a5:b8 a6:ea a7:e9 a8:e7*2 aa:e5*2 ac:b2 ad:a0 ae:ae af:b0
        b0:99 b1:90 b2:a4 b3:a2 b4:ec ba:27 bb:d bc:33 bd:c be:34*2 c0:29 db:1a dc:2b dd:1b de:28 e2:56 f2:f8 fa:b3
    """,
}
