package local

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"searchd/hf/encoder"
	"searchd/hf/safetensors"
)

// Convert quantises the published model at src, a folder or the model.safetensors in one, and writes the result to the
// folder dst, which it makes if need be: model.safetensors in int8, and copies of the small files that Open reads. Every
// file appears whole or not at all, the weights last. The same source gives the same bytes everywhere.
func Convert(src, dst string) error {
	folder, err := sourceFolder(src)
	if err != nil {
		return fmt.Errorf("convert: %w", err)
	}
	if err := convertFolder(os.DirFS(folder), folder, dst); err != nil {
		return fmt.Errorf("convert: %w", err)
	}
	return nil
}

func convertFolder(fsys fs.FS, src, dst string) error {
	l, err := readLayout(fsys)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dst, 0o755); err != nil {
		return err
	}
	if same, err := sameFolder(src, dst); err != nil {
		return err
	} else if same {
		return fmt.Errorf("%s is the source itself; name another folder", dst)
	}
	for _, name := range l.files() {
		if err := copyFile(fsys, name, dst); err != nil {
			return err
		}
	}
	return convertWeights(fsys, l.config, l.path(weightsFile), dst)
}

// sourceFolder is the folder that src is, or lies in.
func sourceFolder(src string) (string, error) {
	info, err := os.Stat(src)
	switch {
	case err != nil:
		return "", err
	case info.IsDir():
		return src, nil
	case filepath.Base(src) == weightsFile:
		return filepath.Dir(src), nil
	}
	return "", fmt.Errorf("%s is neither a folder nor %s", src, weightsFile)
}

func sameFolder(a, b string) (bool, error) {
	inA, err := os.Stat(a)
	if err != nil {
		return false, err
	}
	inB, err := os.Stat(b)
	return err == nil && os.SameFile(inA, inB), err
}

// copyFile copies a file of the layout if it is there: readLayout has found all that must be.
func copyFile(fsys fs.FS, name, dst string) error {
	b, err := fs.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return writeFile(dst, name, func(w io.Writer) error { _, err := w.Write(b); return err })
}

func convertWeights(fsys fs.FS, config encoder.Config, name, dst string) error {
	b, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	file, err := safetensors.Parse(b)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	hash := sha256.Sum256(b)
	metadata, tensors, err := encoder.Quantize(config, file, hex.EncodeToString(hash[:]))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return writeFile(dst, name, func(w io.Writer) error { return safetensors.Write(w, metadata, tensors) })
}

// writeFile makes or replaces the file name in dst in one step, so that a crash leaves the old file or the new one.
func writeFile(dst, name string, write func(io.Writer) error) (err error) {
	path := filepath.Join(dst, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, closeIfOpen(f), os.Remove(f.Name()))
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := errors.Join(f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// closeIfOpen closes a file that may be closed already.
func closeIfOpen(f *os.File) error {
	if err := f.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}
