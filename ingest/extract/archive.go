package extract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
)

// archive is a zip file: each file in it is read as if it lay beside the others. One that cannot be read fails alone; its error
// comes at the end. What nobody reads is passed over.
type archive struct {
	files *Files
	depth int
}

func (a archive) Extract(ctx context.Context, f File, add func(Document) error) error {
	z, err := openZip(f)
	if err != nil {
		return err
	}
	if a.depth == maxNested {
		return errors.New("lies in an archive in an archive, deeper than is read")
	}
	left := int64(maxUnpacked)
	var failed memberErrors
	for _, packed := range z.File {
		if err := ctx.Err(); err != nil {
			return err
		}
		base := path.Base(packed.Name)
		if packed.FileInfo().IsDir() || strings.HasPrefix(base, ".") || strings.HasPrefix(packed.Name, "__MACOSX/") {
			continue
		}
		content, err := unpack(packed, min(left, MaxFile))
		if err != nil {
			failed = append(failed, err)
			continue
		}
		left -= int64(len(content))
		inner := File{Name: packed.Name, Content: bytes.NewReader(content), Size: int64(len(content))}
		var refused error
		err = a.member(ctx, inner, func(d Document) error {
			d.Part = path.Join(packed.Name, d.Part)
			refused = add(d)
			return refused
		})
		switch {
		case refused != nil:
			return refused
		case err != nil && !errors.Is(err, ErrUnknown):
			failed = append(failed, err)
		}
	}
	if len(failed) > 0 {
		return failed
	}
	return nil
}

// memberErrors say which files of an archive could not be read, and why.
type memberErrors []error

func (m memberErrors) Error() string { return errors.Join(m...).Error() }

// Failures are the reasons of an error, one for each file of an archive that could not be read. Each names its file.
func Failures(err error) []error {
	if err == nil {
		return nil
	}
	var members memberErrors
	if !errors.As(err, &members) {
		return []error{err}
	}
	archive := strings.TrimSuffix(err.Error(), members.Error()) // the way to it, as in "notes.zip: "
	var list []error
	for _, member := range members {
		for _, failure := range Failures(member) {
			list = append(list, fmt.Errorf("%s%w", archive, failure))
		}
	}
	return list
}

func (a archive) member(ctx context.Context, f File, add func(Document) error) error {
	if format, err := Format(f); err == nil && format == "zip" {
		if err := (archive{a.files, a.depth + 1}).Extract(ctx, f, add); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		return nil
	}
	return a.files.Extract(ctx, f, add)
}
