package extract

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// openZip opens a zip archive whose files are not too many.
func openZip(f File) (*zip.Reader, error) {
	z, err := zip.NewReader(f.Content, f.Size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, fmt.Errorf("is not a zip archive that can be read: %w", err)
	}
	if len(z.File) > maxMembers {
		return nil, fmt.Errorf("has %d files; at most %d are read", len(z.File), maxMembers)
	}
	return z, nil
}

// packedFormat tells what a zip archive is by what is in it.
func packedFormat(f File) string {
	z, err := openZip(f)
	if err != nil {
		return "zip"
	}
	for _, inside := range z.File {
		switch inside.Name {
		case "word/document.xml":
			return "docx"
		case "META-INF/container.xml":
			return "epub"
		}
	}
	return "zip"
}

// unpack reads a file of an archive, which may be a bomb: what it says of its size is not believed.
func unpack(z *zip.File, most int64) ([]byte, error) {
	r, err := z.Open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", z.Name, err)
	}
	content, err := io.ReadAll(io.LimitReader(r, most+1))
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", z.Name, err)
	}
	if int64(len(content)) > most {
		return nil, fmt.Errorf("%s: unpacks to more than %d bytes", z.Name, most)
	}
	return content, nil
}

// member is the file of that name in an archive.
func member(z *zip.Reader, name string, most int64) ([]byte, error) {
	for _, f := range z.File {
		if f.Name == name {
			return unpack(f, most)
		}
	}
	return nil, fmt.Errorf("has no %s inside", name)
}

// within puts a file's address, given in another file of an archive, into that of the archive.
func within(base, name string) string {
	return strings.TrimPrefix(path.Clean(path.Join("/", path.Dir(base), name)), "/")
}
