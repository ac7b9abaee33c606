"""Runs a program of which some functions need a processor that this machine is not.

    emulate.py [--break] PROGRAM ARGUMENT...

The program runs as it is, traced, until an instruction is illegal here. From there to the function's return Bochs
(Sapphire Rapids) takes over, on the memory and the registers of the stopped thread; then the program goes on. So the tests of
Go's kernels run unchanged, guard pages included: what the process may not read or write ends it with SIGSEGV. A function that
is emulated must be a leaf: its first return is its end.

The published build of Bochs knows AVX-512 with all its additions, but no AMX: machine.c has those seven instructions.
"""

import ctypes
import os
import signal
import struct
import sys

sys.setdlopenflags(os.RTLD_GLOBAL | os.RTLD_NOW)
import bochscpu  # noqa: E402
import bochscpu.cpu  # noqa: E402
import bochscpu.memory  # noqa: E402

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long
libc.page_at.argtypes, libc.page_at.restype = [ctypes.c_uint64], ctypes.c_void_p
libc.page_number.argtypes, libc.page_number.restype = [ctypes.c_int], ctypes.c_uint64
libc.write_back.restype = ctypes.c_uint64
libc.amx_before.argtypes, libc.amx_before.restype = [ctypes.c_uint64], ctypes.c_uint64
libc.amx_run.restype = ctypes.c_long

TRACEME, CONT, GETREGS, SETREGS = 0, 7, 12, 13
SETOPTIONS, SETSIGINFO, GETREGSET, SETREGSET = 0x4200, 0x4203, 0x4204, 0x4205
TRACECLONE, TRACEEXEC, EXITKILL = 8, 16, 0x100000
XSTATE = 0x202
WALL = 0x40000000
UNDEFINED_OPCODE, PAGE = 6, 4096

# The general registers in the order of their numbers, and in that of the kernel.
NUMBERED = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split()
USER = "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs rflags rsp ss fs_base gs_base ds es fs gs".split()


class Fault(Exception):
    """The function did what the process may not do, at an address if that is what was wrong."""

    def __init__(self, what, address=0):
        super().__init__(f"{what} {address:#x}")
        self.address = address


def ptrace(request, thread, address=0, data=0):
    if libc.ptrace(request, thread, address, data) < 0:
        raise OSError(ctypes.get_errno(), f"ptrace request {request}")


class Thread:
    """The registers of a stopped thread."""

    def __init__(self, number):
        self.number = number
        self.user = (ctypes.c_uint64 * len(USER))()
        ptrace(GETREGS, number, 0, ctypes.addressof(self.user))
        self.wide = ctypes.create_string_buffer(16384)
        self.vector = (ctypes.c_uint64 * 2)(ctypes.addressof(self.wide), len(self.wide))
        ptrace(GETREGSET, number, XSTATE, ctypes.addressof(self.vector))

    def load(self, state):
        """Gives the emulator these registers; the kernels leave nothing above 256 bits to each other."""
        for i, name in enumerate(USER):
            if name in NUMBERED or name in ("rip", "rflags"):
                setattr(state, name, self.user[i])
        (present,) = struct.unpack_from("<Q", self.wide, 512)
        (state.mxcsr,) = struct.unpack_from("<I", self.wide, 24)
        registers = state.zmm
        for i in range(32):
            low = struct.unpack_from("<2Q", self.wide, 160 + 16 * i) if i < 16 else (0, 0)
            high = struct.unpack_from("<2Q", self.wide, 576 + 16 * i) if i < 16 and present & 4 else (0, 0)
            registers[i].q = [*low, *high, 0, 0, 0, 0]
        state.zmm = registers

    def segfault(self, address):
        """Turns the signal that the thread has stopped for into the one for an address."""
        information = ctypes.create_string_buffer(128)
        struct.pack_into("<3i4xQ", information, 0, signal.SIGSEGV, 0, 1, address)
        ptrace(SETSIGINFO, self.number, 0, ctypes.addressof(information))

    def store(self, state):
        for i, name in enumerate(USER):
            if name in NUMBERED or name in ("rip", "rflags"):
                self.user[i] = getattr(state, name)
        ptrace(SETREGS, self.number, 0, ctypes.addressof(self.user))
        for i in range(16):
            q = state.zmm[i].q
            struct.pack_into("<2Q", self.wide, 160 + 16 * i, *q[:2])
            struct.pack_into("<2Q", self.wide, 576 + 16 * i, *q[2:4])
        (present,) = struct.unpack_from("<Q", self.wide, 512)
        struct.pack_into("<Q", self.wide, 512, present | 6)
        ptrace(SETREGSET, self.number, XSTATE, ctypes.addressof(self.vector))


class Machine:
    """The emulated processor. Its page table has pages of 1 GB, each at a physical place of its own, and the memory behind
    them comes page by page when it is touched."""

    def __init__(self, process):
        self.process = process
        libc.memory_of(process)
        self.places, self.regions, self.tables = {}, [], {}
        self.top = self.table(0)
        self.session = bochscpu.Session()
        self.session.missing_page_handler = self.missing
        self.hook = bochscpu.Hook()
        self.hook.ucnear_branch = self.branch
        self.hook.exception = self.exception
        self.state = self.start()

    def start(self):
        state = bochscpu.State()
        bochscpu.cpu.set_long_mode(state)
        state.cr3 = self.top[0]
        state.cr4 |= 1 << 9 | 1 << 10 | 1 << 18  # SSE, its exceptions, XSAVE
        state.xcr0 = 0xE7  # up to AVX-512
        state.mxcsr_mask = 0xFFFF
        for name, selector, attributes in ("cs", 0x33, 0x22FB), *((s, 0x2B, 0xCF3) for s in ("ds", "es", "ss", "fs", "gs")):
            segment = bochscpu.Segment()
            segment.limit, segment.selector, segment.attr, segment.present = 0xFFFFFFFF, selector, attributes, True
            setattr(state, name, segment)
        return state

    def table(self, index):
        """A page of the page table, at a physical address below 1 GB."""
        at = bochscpu.memory.allocate_host_page()
        ctypes.memset(at, 0, PAGE)
        bochscpu.memory.page_insert((index + 1) * PAGE, at)
        return (index + 1) * PAGE, (ctypes.c_uint64 * 512).from_address(at)

    def map(self):
        """Makes the regions of the process known that it has now."""
        with open(f"/proc/{self.process}/maps") as f:
            for line in f:
                begin, end = (int(x, 16) for x in line.split()[0].split("-"))
                for region in range(begin >> 30, (end - 1 >> 30) + 1):
                    if region not in self.places and region < 1 << 17:
                        self.place(region)

    def place(self, region):
        self.places[region] = len(self.regions) + 1
        self.regions.append(region)
        if region >> 9 not in self.tables:
            self.tables[region >> 9] = self.table(len(self.tables) + 1)
            self.top[1][region >> 9] = self.tables[region >> 9][0] | 7
        self.tables[region >> 9][1][region & 511] = self.places[region] << 30 | 0x87

    def missing(self, physical):
        virtual = self.regions[(physical >> 30) - 1] << 30 | physical & 0x3FFFF000
        copy = libc.page_at(virtual)
        if not copy:
            self.fault = virtual
            copy = bochscpu.memory.allocate_host_page()
            self.session.stop()
        self.inserted.append(physical & ~0xFFF)
        bochscpu.memory.page_insert(physical & ~0xFFF, copy)

    def branch(self, session, cpu, what, begin, end):
        if what == bochscpu.InstructionType.IS_RET.value:
            self.returned = True
            session.stop()

    def exception(self, session, cpu, vector, code):
        self.raised = vector
        session.stop()

    def call(self, thread):
        """Takes a thread from an illegal instruction to the end of its function."""
        self.map()
        self.inserted, self.returned, self.fault = [], False, 0
        thread.load(self.state)
        cpu = self.session.cpu
        cpu.state = self.state
        try:
            self.tiles(cpu.rip)
            while not self.returned:
                self.raised = None
                self.session.run([self.hook])
                if self.fault:
                    raise Fault("read or write at", self.fault)
                if self.raised == UNDEFINED_OPCODE and self.tiles(libc.amx_before(cpu.rip)):
                    continue
                if self.raised is not None or not self.returned:
                    raise Fault("exception", self.raised or 0)
            if fault := libc.write_back():
                raise Fault("write at", fault)
        except Fault as fault:
            print(f"emulate: {fault}, before {cpu.rip:#x}", file=sys.stderr, flush=True)
            thread.segfault(fault.address)
            return False
        finally:
            for physical in self.inserted:
                bochscpu.memory.page_remove(physical)
            libc.forget()
        thread.store(cpu.state)
        return True

    def tiles(self, at):
        """Executes the AMX instructions at an address and tells how many there were."""
        if not at:
            return 0
        cpu = self.session.cpu
        registers = (ctypes.c_uint64 * 16)(*(getattr(cpu, name) for name in NUMBERED))
        rip = ctypes.c_uint64(at)
        done = libc.amx_run(registers, ctypes.byref(rip))
        if done < 0:
            raise Fault(("undefined AMX instruction", "AMX reads or writes what it may not")[-1 - done])
        cpu.rip = rip.value
        return done


def run(program, broken):
    process = os.fork()
    if process == 0:
        ptrace(TRACEME, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        os.environ.pop("LD_PRELOAD", None)
        os.environ.update(GOMAXPROCS="1", GODEBUG="asyncpreemptoff=1")  # one thread of Go's at a time: the others cannot interfere
        os.execv(program[0], program)
    os.waitpid(process, 0)
    ptrace(SETOPTIONS, process, 0, TRACECLONE | TRACEEXEC | EXITKILL)
    ptrace(CONT, process)
    machine = Machine(process)
    ctypes.c_int.in_dll(libc, "damaged").value = broken
    known, calls = {process}, 0
    while True:
        thread, status = os.waitpid(-1, WALL)
        if os.WIFEXITED(status) or os.WIFSIGNALED(status):
            if thread == process:
                print(f"emulate: {calls} calls", file=sys.stderr)
                return os.waitstatus_to_exitcode(status) & 255
            continue
        deliver = os.WSTOPSIG(status)
        if status >> 16 or thread not in known and deliver == signal.SIGSTOP:
            deliver = 0
        known.add(thread)
        if deliver == signal.SIGILL:
            calls += 1
            deliver = 0 if machine.call(Thread(thread)) else signal.SIGSEGV
        try:
            ptrace(CONT, thread, 0, deliver)
        except ProcessLookupError:
            pass  # it has been killed meanwhile


if __name__ == "__main__":
    arguments = sys.argv[1:]
    broken = arguments[0] == "--break"
    status = run(arguments[broken:], broken)
    sys.stdout.flush()
    os._exit(status)  # the package's own clean-up crashes
