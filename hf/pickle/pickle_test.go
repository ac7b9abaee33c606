package pickle_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"searchd/hf/pickle"
	"searchd/hf/safetensors"
)

const fixtures = "../../fixtures/pickle/"

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(fixtures + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What torch saved is what is read, byte for byte: views, transposed ones, shared storages, every type.
func TestGoldens(t *testing.T) {
	for _, name := range []string{"module", "variants"} {
		t.Run(name, func(t *testing.T) {
			got, err := pickle.Convert(read(t, name+".bin"))
			if err != nil {
				t.Fatal(err)
			}
			ours, err := safetensors.Parse(got)
			if err != nil {
				t.Fatal(err)
			}
			theirs, err := safetensors.Parse(read(t, name+".safetensors"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(contents(t, theirs), contents(t, ours)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// contents is a file as text that can be compared.
func contents(t *testing.T, f *safetensors.File) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, name := range f.Names() {
		tensor, err := f.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := safetensors.Write(&b, nil, []safetensors.Tensor{tensor}); err != nil {
			t.Fatal(err)
		}
		all[name] = b.String()
	}
	return all
}

// zipped packs entries as torch does, in a folder, stored.
func zipped(method uint16, entries ...[2]string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		f, _ := w.CreateHeader(&zip.FileHeader{Name: "x/" + e[0], Method: method})
		_, _ = f.Write([]byte(e[1]))
	}
	_ = w.Close()
	return b.Bytes()
}

// assembled is a program that rebuilds one tensor, under the name w, of the storage 0 with two values.
func assembled(class, length, offset, shape, stride string) string {
	return "\x80\x02}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagec" + class +
		"\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu" + length + "tQ" + offset + shape + stride + "\x89}tRs."
}

const two = "\x00\x00\x80\x3f\x00\x00\x00\x40" // 1, 2

func TestAssembled(t *testing.T) {
	program := assembled("torch\nFloatStorage", "K\x02", "K\x01", "K\x01\x85", "K\x01\x85")
	list, err := pickle.Tensors(zipped(zip.Store, [2]string{"data.pkl", program}, [2]string{"data/0", two}))
	if err != nil || len(list) != 1 || list[0].Name != "w" {
		t.Fatal(list, err)
	}
	if v, err := list[0].Float32s(nil); err != nil || !cmp.Equal(v, []float32{2}) {
		t.Error(v, err)
	}
}

func TestRefuses(t *testing.T) {
	one := func(program string) []byte {
		return zipped(zip.Store, [2]string{"data.pkl", program}, [2]string{"data/0", two})
	}
	float := "torch\nFloatStorage"
	damaged := one(assembled(float, "K\x02", "K\x00", "K\x02\x85", "K\x01\x85"))
	damaged[bytes.Index(damaged, []byte(two))] ^= 1
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "not a valid zip"},
		{"evil", read(t, "evil.bin"), `names "posix.system", which weights do not need: it is not run`},
		{"a whole module", read(t, "whole-module.bin"), `names "__main__.Tiny"`},
		{"before 1.6", read(t, "legacy.bin"), "written by PyTorch before 1.6"},
		{"cut", read(t, "module.bin")[:900], "not a valid zip"},
		{"no program", zipped(zip.Store, [2]string{"data/0", two}), `entry "data.pkl" is missing`},
		{"packed", zipped(zip.Deflate, [2]string{"data.pkl", "N."}), "it is packed"},
		{"damaged", damaged, "its checksum is wrong"},
		{"big endian", zipped(zip.Store, [2]string{"byteorder", "big"}), "byte order"},
		{"no end", one("N"), "the program is cut short"},
		{"no line end", one("cos"), "the program is cut short"},
		{"nothing", one("."), "takes more from its stack"},
		{"mark", one("(."), "takes more from its stack"},
		{"no mark", one("t."), "takes more from its stack"},
		{"not a dictionary", one("]."), "not a dictionary of tensors"},
		{"no tensors", one("}X\x01\x00\x00\x00aNs."), "it has no tensors"},
		{"unknown protocol", one("\x80\x09N."), "protocol 9"},
		{"unknown opcode", one("i\n."), "opcode 0x69"},
		{"long integer", one("\x8a\x09123456789."), "an integer of 9 bytes"},
		{"long text", one("X\xff\xff\xff\xff"), "cut short"},
		{"recall", one("h\x05."), "recalls 5"},
		{"fill a number", one("K\x01Na."), "fills a int64"},
		{"odd entries", one("}(NNNu."), "fills a *pickle.dict"},
		{"call of a number", one("K\x01)R."), "calls a int64"},
		{"getattr", one("cbuiltins\ngetattr\n."), `names "builtins.getattr"`},
		{"storage of no storage", one("(NNNNNtQ."), "names a storage by"},
		{"storage of a function", one("(X\x07\x00\x00\x00storageccollections\nOrderedDict\nX\x01\x00\x00\x000NK\x02tQ."), `of class "collections.OrderedDict"`},
		{"storage that is not there", one(strings.Replace(assembled(float, "K\x02", "K\x00", "K\x02\x85", "K\x01\x85"), "\x000X", "\x009X", 1)), `entry "data/9" is missing`},
		{"storage out of the archive", one(strings.Replace(assembled(float, "K\x02", "K\x00", "K\x02\x85", "K\x01\x85"), "X\x01\x00\x00\x000X", "X\x0b\x00\x00\x00../data.pklX", 1)), "is missing"},
		{"wrong length", one(assembled(float, "K\x03", "K\x00", "K\x02\x85", "K\x01\x85")), "has 8 bytes, not 3 values"},
		{"odd bytes", one(assembled("torch\nLongStorage", "K\x02", "K\x00", "K\x02\x85", "K\x01\x85")), "has 8 bytes, not 2 values"},
		{"beyond the storage", one(assembled(float, "K\x02", "K\x01", "K\x02\x85", "K\x01\x85")), "does not lie in its storage"},
		{"negative offset", one(assembled(float, "K\x02", "J\xff\xff\xff\xff", "K\x02\x85", "K\x01\x85")), "does not lie in its storage"},
		{"negative shape", one(assembled(float, "K\x02", "K\x00", "J\xff\xff\xff\xff\x85", "K\x01\x85")), "a tensor is rebuilt from"},
		{"strides of another rank", one(assembled(float, "K\x02", "K\x00", "K\x02\x85", "K\x01K\x01\x86")), "a tensor is rebuilt from"},
		{"repeated to a billion", one(assembled(float, "K\x02", "K\x00", "J\x00\x00\x00\x40\x85", "K\x00\x85")), "more than 4 times as large as the file"},
		{"overflow", one(assembled(float, "K\x02", "K\x00", "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x86", "K\x00K\x00\x86")), "does not lie in its storage"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			list, err := pickle.Tensors(test.file)
			if !errors.Is(err, pickle.ErrFormat) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, %v, want %q", list, err, test.want)
			}
		})
	}
}

// A huge empty tensor takes no time, and the memory of a program is in proportion to it.
func TestEmptyTensor(t *testing.T) {
	program := assembled("torch\nFloatStorage", "K\x02", "K\x00", "J\x00\x00\x00\x7fK\x00\x86", "K\x07K\x03\x86")
	list, err := pickle.Tensors(zipped(zip.Store, [2]string{"data.pkl", program}, [2]string{"data/0", two}))
	if err != nil || len(list) != 1 || list[0].Len() != 0 {
		t.Error(list, err)
	}
}

// FuzzProgram runs any program, with a storage beside it.
func FuzzProgram(f *testing.F) {
	f.Add([]byte(assembled("torch\nFloatStorage", "K\x02", "K\x01", "K\x01\x85", "K\x01\x85")))
	for _, name := range []string{"module.bin", "variants.bin", "evil.bin"} {
		r, err := zip.OpenReader(fixtures + name)
		if err != nil {
			f.Fatal(err)
		}
		for _, entry := range r.File {
			if strings.HasSuffix(entry.Name, "data.pkl") {
				program := make([]byte, entry.UncompressedSize64)
				e, err := entry.Open()
				if err != nil {
					f.Fatal(err)
				}
				if _, err := e.Read(program); err != nil && len(program) == 0 {
					f.Fatal(err)
				}
				f.Add(program)
			}
		}
		_ = r.Close()
	}
	f.Fuzz(func(t *testing.T, program []byte) {
		check(t, zipped(zip.Store, [2]string{"data.pkl", string(program)}, [2]string{"data/0", two + two + two}, [2]string{"data/1", ""}))
	})
}

// FuzzFile reads any file. Checksums are put right, so that changes get further than to them.
func FuzzFile(f *testing.F) {
	for _, name := range []string{"module.bin", "variants.bin", "legacy.bin"} {
		f.Add(read(f, name))
	}
	f.Fuzz(func(t *testing.T, b []byte) { check(t, mend(b)) })
}

// mend puts the checksums of the stored entries right.
func mend(b []byte) []byte {
	r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return b
	}
	b = bytes.Clone(b)
	for _, f := range r.File {
		at, err := f.DataOffset()
		if end := at + int64(f.UncompressedSize64); err == nil && f.Method == zip.Store && end >= at && end <= int64(len(b)) {
			var old, sum [4]byte
			binary.LittleEndian.PutUint32(old[:], f.CRC32)
			binary.LittleEndian.PutUint32(sum[:], crc32.ChecksumIEEE(b[at:end]))
			b = bytes.ReplaceAll(b, old[:], sum[:])
		}
	}
	return b
}

// check makes sure that what is read can be written again, and is in proportion to the file.
func check(t *testing.T, b []byte) {
	t.Helper()
	list, err := pickle.Tensors(b)
	if err != nil {
		if !errors.Is(err, pickle.ErrFormat) {
			t.Fatal(err)
		}
		return
	}
	total := 0
	for _, tensor := range list {
		total += tensor.Len() * tensor.DType.Size()
	}
	if total > 4*len(b) {
		t.Fatalf("%d bytes of tensors in a file of %d", total, len(b))
	}
	if out, err := pickle.Convert(b); err == nil {
		if _, err := safetensors.Parse(out); err != nil {
			t.Fatal(err)
		}
	}
}
