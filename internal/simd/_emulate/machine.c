// What the emulator needs besides Bochs: the memory of the traced process, the AMX instructions, which the published build of
// Bochs leaves out, and some names of a newer C library. Loaded before everything else (LD_PRELOAD).
#define _GNU_SOURCE
#include <dlfcn.h>
#include <immintrin.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

// glibc 2.38, for older systems. The macro keeps the compiler from renaming what is called.
#define OLD(result, name, parameters, arguments) \
	result __isoc23_##name parameters { return name arguments; }
OLD(unsigned long long, strtoull, (const char *s, char **e, int b), (s, e, b))
OLD(unsigned long, strtoul, (const char *s, char **e, int b), (s, e, b))
OLD(long, strtol, (const char *s, char **e, int b), (s, e, b))
OLD(long long, strtoll, (const char *s, char **e, int b), (s, e, b))
int __isoc23_sscanf(const char *s, const char *f, ...) {
	va_list a;
	va_start(a, f);
	int n = vsscanf(s, f, a);
	va_end(a);
	return n;
}

// The package has no way to choose a processor and takes Cannon Lake; give it Sapphire Rapids.
void *_Z23create_corei3_cnl_cpuidP8BX_CPU_C(void *cpu) {
	void *(*create)(void *) = (void *(*)(void *))dlsym(RTLD_DEFAULT, "_Z28create_sapphire_rapids_cpuidP8BX_CPU_C");
	return create(cpu);
}

// The memory of the process, page by page: copied when first touched, and what has changed is written back at the end of a call.
#define PAGE 4096
#define PAGES 65536

struct page {
	uint64_t at;
	uint8_t *now, *before;
};

static struct page table[PAGES]; // open addressing
static int used[PAGES], count, pid;

void memory_of(int process) { pid = process; }

// damaged makes every call wrong in one byte of what it writes, to see that the tests notice.
int damaged;

static struct page *find(uint64_t at) {
	uint64_t i = (at / PAGE * 0x9e3779b97f4a7c15u) >> 48;
	while (table[i].at && table[i].at != at)
		i = (i + 1) % PAGES;
	return &table[i];
}

static int copy(uint64_t at, void *to, size_t n, int write) {
	struct iovec here = {to, n}, there = {(void *)at, n};
	ssize_t done = write ? process_vm_writev(pid, &here, 1, &there, 1, 0) : process_vm_readv(pid, &here, 1, &there, 1, 0);
	return done == (ssize_t)n;
}

// page_at returns the copy of a page, or null where the process may not read.
uint8_t *page_at(uint64_t at) {
	struct page *p = find(at &= -(uint64_t)PAGE);
	if (p->at)
		return p->now;
	if (count == PAGES / 2) {
		fprintf(stderr, "emulate: a call touches more than %d pages\n", count);
		exit(2);
	}
	if (!p->now) {
		p->now = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		p->before = p->now + PAGE;
	}
	if (!copy(at, p->now, PAGE, 0))
		return NULL;
	memcpy(p->before, p->now, PAGE);
	p->at = at;
	used[count++] = p - table;
	return p->now;
}

// write_back writes the bytes that have changed to the process and returns the address of a page that may not be written, or 0.
uint64_t write_back(void) {
	uint64_t fault = 0;
	for (int i = 0; i < count; i++) {
		struct page *p = &table[used[i]];
		for (int begin = 0; begin < PAGE; begin++) {
			if (begin % 64 == 0 && !memcmp(p->now + begin, p->before + begin, 64)) {
				begin += 63;
				continue;
			}
			int end = begin;
			while (end < PAGE && p->now[end] != p->before[end])
				end++;
			if (end > begin && damaged)
				p->now[begin] ^= 0x40;
			if (end > begin && !copy(p->at + begin, p->now + begin, end - begin, 1))
				fault = p->at + begin;
			begin = end;
		}
	}
	return fault;
}

int page_count(void) { return count; }
uint64_t page_number(int i) { return table[used[i]].at; }

void forget(void) {
	for (int i = 0; i < count; i++)
		table[used[i]].at = 0;
	count = 0;
}

static int transfer(uint64_t at, uint8_t *data, int n, int write) {
	while (n > 0) {
		uint8_t *p = page_at(at);
		int here = PAGE - at % PAGE;
		if (here > n)
			here = n;
		if (!p)
			return 0;
		if (write)
			memcpy(p + at % PAGE, data, here);
		else
			memcpy(data, p + at % PAGE, here);
		at += here, data += here, n -= here;
	}
	return 1;
}

// AMX, as the Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, describes its instructions.
static struct {
	uint8_t config[64]; // all zero: not configured
	uint8_t tile[8][16][64];
} amx;

#define ROWS(t) (amx.config[48 + (t)])
#define BYTES(t) (amx.config[16 + 2 * (t)] | amx.config[17 + 2 * (t)] << 8)

enum { NOT_AMX = 0, UNDEFINED = -1, FAULT = -2 };

static int configure(uint64_t at) {
	uint8_t c[64];
	if (!transfer(at, c, 64, 0))
		return FAULT;
	if (c[0] > 1)
		return UNDEFINED;
	for (int i = 2; c[0] && i < 64; i++)
		if ((i < 16 || (i >= 32 && i < 48) || i >= 56) && c[i])
			return UNDEFINED;
	for (int t = 0; c[0] && t < 8; t++)
		if (c[48 + t] > 16 || (c[16 + 2 * t] | c[17 + 2 * t] << 8) > 64 || !c[48 + t] != !(c[16 + 2 * t] | c[17 + 2 * t]))
			return UNDEFINED;
	memset(&amx, 0, sizeof amx);
	if (c[0])
		memcpy(amx.config, c, 64);
	return 1;
}

static int move(int t, uint64_t at, uint64_t stride, int store) {
	if (!amx.config[0] || !ROWS(t) || amx.config[1])
		return UNDEFINED; // a restart in the midst of a tile does not happen here
	if (!store)
		memset(amx.tile[t], 0, sizeof amx.tile[t]);
	for (int r = 0; r < ROWS(t); r++, at += stride)
		if (!transfer(at, amx.tile[t][r], BYTES(t), store))
			return FAULT;
	return 1;
}

static float widen(uint16_t half) {
	uint32_t bits = (uint32_t)half << 16;
	float f;
	memcpy(&f, &bits, 4);
	return f;
}

// TDPBF16PS: two chains of fused multiply-adds, added to each other and then to the tile; denormals are zero.
static int multiply(int c, int a, int b) {
	if (!amx.config[0] || c == a || c == b || a == b || !ROWS(a) || !ROWS(b) || !ROWS(c) || ROWS(a) != ROWS(c) ||
	    BYTES(b) != BYTES(c) || BYTES(a) / 4 != ROWS(b) || BYTES(a) % 4 || BYTES(b) % 4)
		return UNDEFINED;
	unsigned before = _mm_getcsr();
	_mm_setcsr(0x9fc0);
	for (int m = 0; m < ROWS(c); m++) {
		float even[16] = {0}, odd[16] = {0}, sum[16] = {0};
		const uint16_t *left = (const uint16_t *)amx.tile[a][m];
		memcpy(sum, amx.tile[c][m], 64);
		for (int k = 0; k < BYTES(a) / 4; k++) {
			const uint16_t *right = (const uint16_t *)amx.tile[b][k];
			float l0 = widen(left[2 * k]), l1 = widen(left[2 * k + 1]);
			for (int n = 0; n < 16; n++) {
				even[n] = __builtin_fmaf(l0, widen(right[2 * n]), even[n]);
				odd[n] = __builtin_fmaf(l1, widen(right[2 * n + 1]), odd[n]);
			}
		}
		for (int n = 0; n < BYTES(c) / 4; n++)
			sum[n] += even[n] + odd[n];
		memcpy(amx.tile[c][m], sum, 64);
	}
	_mm_setcsr(before);
	return 1;
}

// amx_step executes one instruction of n bytes at most and stores its length. regs are in the order of their numbers.
static int amx_step(const uint8_t *code, const uint64_t *regs, int *length) {
	if (code[0] != 0xc4 || (code[1] & 31) != 2 || code[2] & 0x84)
		return NOT_AMX;
	int prefix = code[2] & 3, op = code[3], modrm = code[4], mode = modrm >> 6, reg = modrm >> 3 & 7, rm = modrm & 7;
	int other = ~(code[2] >> 3) & 15;
	if (op != 0x49 && op != 0x4b && op != 0x5c)
		return NOT_AMX;
	if (~code[1] & 0x80 || other > 7)
		return UNDEFINED;
	if (mode == 3) {
		*length = 5;
		if (op == 0x49 && prefix == 0 && modrm == 0xc0)
			return memset(&amx, 0, sizeof amx), 1;
		if (op == 0x49 && prefix == 3 && rm == 0 && amx.config[0] && ROWS(reg))
			return memset(amx.tile[reg], 0, sizeof amx.tile[reg]), 1;
		if (op == 0x5c && prefix == 2 && !(~code[1] & 0x20))
			return multiply(reg, rm, other);
		return UNDEFINED;
	}
	int at = 5, base = rm | (~code[1] & 0x20) >> 2, index = 4, scale = 0;
	if (rm == 4) {
		int sib = code[at++];
		scale = sib >> 6, index = (sib >> 3 & 7) | (~code[1] & 0x40) >> 3, base = (sib & 7) | (~code[1] & 0x20) >> 2;
	}
	if (mode == 0 && (base & 7) == 5)
		return UNDEFINED; // not needed here
	int32_t shift = 0;
	if (mode == 1)
		shift = (int8_t)code[at], at += 1;
	if (mode == 2)
		memcpy(&shift, code + at, 4), at += 4;
	*length = at;
	uint64_t address = regs[base] + (int64_t)shift, stride = index == 4 ? 0 : regs[index] << scale;
	if (op == 0x49 && prefix == 0 && index == 4)
		return configure(address);
	if (op == 0x4b && rm == 4 && prefix != 0)
		return move(reg, address, stride, prefix == 2);
	return UNDEFINED;
}

// amx_run executes AMX instructions from *rip on until another one, and moves *rip there. It returns how many they were, or
// less than 0.
long amx_run(const uint64_t *regs, uint64_t *rip) {
	long done = 0;
	for (;; done++) {
		uint8_t code[16];
		int length, outcome;
		if (!transfer(*rip, code, 16, 0))
			return FAULT;
		if ((outcome = amx_step(code, regs, &length)) < 0)
			return outcome;
		if (outcome == NOT_AMX)
			return done;
		*rip += length;
	}
}

// amx_before returns where the AMX instruction begins that ends at an address, or 0.
uint64_t amx_before(uint64_t end) {
	static const int lengths[] = {5, 6, 7, 9, 10};
	for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		uint8_t code[16];
		if (!transfer(end - lengths[i], code, lengths[i], 0) || code[0] != 0xc4 || (code[1] & 31) != 2 || code[2] & 0x84)
			continue;
		if (code[3] != 0x49 && code[3] != 0x4b && code[3] != 0x5c)
			continue;
		int mode = code[4] >> 6, sib = mode != 3 && (code[4] & 7) == 4;
		if (5 + sib + (mode == 1 ? 1 : mode == 2 ? 4 : 0) == lengths[i])
			return end - lengths[i];
	}
	return 0;
}
