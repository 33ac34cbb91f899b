"""Makes the kernel refuse a system call of this process, as a service manager's sandbox does (Linux, x86-64).

Use it in a child process: the filter cannot be removed. `deny("socket", errno.EAFNOSUPPORT, arg0=socket.AF_INET6)` does
the same as systemd's ``RestrictAddressFamilies=AF_INET``.
"""

from __future__ import annotations

import ctypes
import os
import struct

# prctl(2), seccomp(2), linux/seccomp.h, linux/filter.h, linux/audit.h
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO = 0x7FFF0000, 0x00050000
AUDIT_ARCH_X86_64 = 0xC000003E
LOAD_WORD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
AT_NUMBER, AT_ARCHITECTURE, AT_ARG0 = 0, 4, 16
"""The offsets of these in struct seccomp_data; of the first argument, the low 32 bits."""
NUMBERS = {"socket": 41, "connect": 42, "bind": 49, "getsockopt": 55}


def deny(system_call: str, error: int, *, arg0: int | None = None) -> None:
    """Make `system_call` fail with errno `error` from now on, in new threads too; with `arg0` only for that argument.

    Raises:
        OSError: the kernel does not accept the filter.
    """
    conditions = [(AT_ARCHITECTURE, AUDIT_ARCH_X86_64), (AT_NUMBER, NUMBERS[system_call])]
    if arg0 is not None:
        conditions.append((AT_ARG0, arg0))
    program = []
    for position, (offset, value) in enumerate(conditions):
        remaining = len(conditions) - position - 1
        program += [
            _instruction(LOAD_WORD, offset),
            _instruction(JUMP_IF_EQUAL, value, otherwise=2 * remaining + 1),  # skip the rest, to the end that allows
        ]
    program += [_instruction(RETURN, SECCOMP_RET_ERRNO | error), _instruction(RETURN, SECCOMP_RET_ALLOW)]
    instructions = ctypes.create_string_buffer(b"".join(program))
    filter_program = struct.pack("HxxxxxxP", len(program), ctypes.addressof(instructions))
    _prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter_program, 0, 0)


def _instruction(code: int, value: int, *, otherwise: int = 0) -> bytes:
    return struct.pack("HBBI", code, 0, otherwise, value)


def _prctl(option: int, *arguments: int | bytes) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    converted = [ctypes.c_char_p(value) if isinstance(value, bytes) else ctypes.c_ulong(value) for value in arguments]
    if libc.prctl(option, *converted) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
