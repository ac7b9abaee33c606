package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"searchd/api/wire"
	"searchd/ingest/extract"
	"searchd/internal/folder"
)

// synced is what a document says of the file that it comes from. It is all that is kept: the collection itself says how far
// it is, so there is no other state that could be lost or be about another collection.
type synced struct {
	Name      string `json:"sync_name"`
	Dir       string `json:"sync_dir"`
	File      string `json:"sync_file"`               // below the folder
	Hash      string `json:"sync_sha256"`             // of the file
	Documents int    `json:"sync_documents,omitzero"` // of the file; said by the last of them, which is sent after all others
}

// syncedFile is a file as it is stored.
type syncedFile struct {
	hash string // empty where not all of it is stored
	docs []wire.StoredDocument
}

// stored lists what came from the folder before.
func (y *syncer) stored() (map[string]*syncedFile, error) {
	filter, err := json.Marshal(map[string]string{"sync_name": y.options.Name})
	if err != nil {
		return nil, err
	}
	files := map[string]*syncedFile{}
	for cursor, first := "", true; first || cursor != ""; first = false {
		var page []wire.StoredDocument
		page, cursor, err = y.session.Documents(y.ctx, y.options.Collection, filter, cursor)
		var none *wire.Error
		if errors.As(err, &none) && none.Type == "not_found_error" && y.options.DryRun {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		for _, doc := range page {
			if err := y.file(files, doc); err != nil {
				return nil, err
			}
		}
	}
	for _, file := range files {
		file.hash = y.wholeHash(file)
	}
	return files, nil
}

func (y *syncer) file(files map[string]*syncedFile, doc wire.StoredDocument) error {
	about := about(doc)
	if about.Dir != y.dir && !y.options.Moved {
		return usageError(fmt.Sprintf("documents of a folder %s came from %s before: give this one another --name, or say --moved if it is the same", y.options.Name, about.Dir))
	}
	if files[about.File] == nil {
		files[about.File] = &syncedFile{}
	}
	files[about.File].docs = append(files[about.File].docs, doc)
	return nil
}

// about reads what a document says of its file. What somebody else has made of that is as good as nothing.
func about(doc wire.StoredDocument) synced {
	var s synced
	if err := json.Unmarshal(doc.Metadata, &s); err != nil {
		return synced{}
	}
	return s
}

// wholeHash is the hash of a file of which all documents are stored, in one version.
func (y *syncer) wholeHash(file *syncedFile) string {
	hash, documents := about(file.docs[0]).Hash, 0
	for _, doc := range file.docs {
		one := about(doc)
		if one.Hash != hash || one.Dir != y.dir {
			return ""
		}
		documents += one.Documents
	}
	if documents != len(file.docs) {
		return ""
	}
	return hash
}

// source is a file of the folder as searchd add knows it.
func (y *syncer) source(name string) source {
	return source{path: filepath.Join(y.dir, filepath.FromSlash(name)), id: path.Join(y.options.Name, name)}
}

// syncWork is what one pass does.
type syncWork struct {
	*syncer
	plan     folder.Plan
	stored   map[string]*syncedFile
	blind    map[string]error
	uploader uploader

	sent    map[string]bool // ids of documents
	stale   []string        // ids of documents that files had before
	renamed int
	deleted int
}

func (w *syncWork) do() error {
	for _, name := range slices.Sorted(maps.Keys(w.blind)) {
		if w.syncer.blind[name] == nil {
			w.uploader.complain(w.source(name).path, reason(w.blind[name]), "")
		}
		w.uploader.outcomes["failed"]++
	}
	for _, old := range slices.Sorted(maps.Keys(w.plan.Rename)) {
		if err := w.rename(old, w.plan.Rename[old]); err != nil {
			return err
		}
	}
	for _, name := range w.plan.Send {
		if err := w.send(name); err != nil {
			return err
		}
	}
	if err := w.uploader.flush(); err != nil {
		return err
	}
	for _, name := range w.plan.Delete {
		for _, doc := range w.stored[name].docs {
			w.stale = append(w.stale, doc.ID)
		}
	}
	return w.delete()
}

// reason is an error without the path that is named beside it.
func reason(err error) string {
	var at interface{ Unwrap() error }
	if errors.As(err, &at) && at.Unwrap() != nil {
		return at.Unwrap().Error()
	}
	return err.Error()
}

// rename gives the documents of a file their new ids. Their texts have not changed, so the model does not read them again.
func (w *syncWork) rename(old, name string) error {
	before, after := w.source(old), w.source(name)
	if w.options.DryRun {
		_, err := fmt.Fprintf(w.terminal.out, "renamed    %s to %s\n", before.path, after.path)
		w.renamed++
		return err
	}
	for _, doc := range w.stored[old].docs {
		patch, err := renaming(doc, before, after, name)
		if err == nil {
			_, err = w.session.Patch(w.ctx, w.options.Collection, doc.ID, patch)
		}
		var refused *wire.Error
		if errors.As(err, &refused) && refused.Type != "internal_error" { // the id is taken, or too long: the long way
			w.plan.Send, w.plan.Delete = append(w.plan.Send, name), append(w.plan.Delete, old)
			return nil
		}
		if err != nil {
			return err
		}
	}
	w.renamed++
	return nil
}

func renaming(doc wire.StoredDocument, before, after source, name string) (wire.DocumentPatch, error) {
	var patch wire.DocumentPatch
	if rest, ok := strings.CutPrefix(doc.ID, before.id); ok && (rest == "" || rest[0] == '/') {
		id := after.id + rest
		patch.ID = &id
	}
	if doc.Title == path.Base(before.unpackedName()) {
		title := path.Base(after.unpackedName())
		patch.Title = &title
	}
	of := about(doc)
	of.File = name
	var err error
	patch.Metadata, err = withSynced(doc.Metadata, of)
	return patch, err
}

// withSynced adds to a document's metadata what it is to say of its file.
func withSynced(metadata []byte, of synced) ([]byte, error) {
	members := map[string]any{}
	if err := json.Unmarshal(metadata, &members); err != nil {
		return nil, err
	}
	delete(members, "sync_documents")
	own, err := json.Marshal(of)
	if err == nil {
		err = json.Unmarshal(own, &members)
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(members, json.Deterministic(true))
}

// send adds the documents of a file. The last of them says how many there are, so that a file that was sent in part is known.
func (w *syncWork) send(name string) error {
	src := w.source(name)
	content, hash, err := w.folder.Read(w.ctx, name, extract.MaxFile)
	if errors.Is(err, fs.ErrNotExist) { // gone meanwhile
		return nil
	}
	if err != nil {
		return w.uploader.settle(src, errors.New(strings.TrimPrefix(err.Error(), name+": ")), w.ctx.Err())
	}
	of := synced{Name: w.options.Name, Dir: w.dir, File: name, Hash: hash}
	var held *wire.Document
	var place string
	var consumed int64
	var lost error // the server, not the file
	ids := map[string]bool{}
	push := func() {
		if held == nil || lost != nil {
			return
		}
		if held.Metadata, lost = withSynced(held.Metadata, of); lost == nil {
			w.sent[held.ID], ids[held.ID] = true, true
			lost = w.uploader.push(*held, place, consumed)
		}
	}
	err = src.readContent(w, content, func(doc wire.Document, at string, bytes int64) error {
		push()
		held, place, consumed = &doc, at, bytes
		return lost
	})
	if held != nil && err == nil {
		ids[held.ID] = true
		of.Documents = len(ids)
	}
	push()
	if err == nil || lost != nil {
		w.replaced(name)
		return lost
	}
	return w.uploader.settle(src, err, nil)
}

// replaced remembers what a file said before: what it no longer says has to go.
func (w *syncWork) replaced(name string) {
	if before := w.stored[name]; before != nil {
		for _, doc := range before.docs {
			w.stale = append(w.stale, doc.ID)
		}
	}
}

// readContent calls add for every document in a file that was read.
func (s source) readContent(w *syncWork, content []byte, add func(doc wire.Document, place string, consumed int64) error) error {
	s.size = int64(len(content))
	var r io.Reader = bytes.NewReader(content)
	if s.packed() {
		z, err := gzip.NewReader(r)
		if err != nil {
			return err
		}
		r = z
	}
	return s.extract(w.ctx, w.extract, r, add)
}

const deleteBatch = 1000

// delete removes the documents of which nothing was sent in this pass: they are stale, and not another file's by now.
func (w *syncWork) delete() error {
	gone := slices.DeleteFunc(w.stale, func(id string) bool { return w.sent[id] })
	if w.options.DryRun {
		for _, id := range gone {
			if _, err := fmt.Fprintf(w.terminal.out, "deleted    %s\n", id); err != nil {
				return err
			}
		}
		w.deleted = len(gone)
		return nil
	}
	for ids := range slices.Chunk(gone, deleteBatch) {
		n, err := w.session.Delete(w.ctx, w.options.Collection, wire.DeleteRequest{IDs: ids})
		if err != nil {
			return err
		}
		w.deleted += n
	}
	return nil
}

// report prints the one line that says what happened.
func (w *syncWork) report() error {
	u := &w.uploader
	if u.bar != nil {
		_ = u.bar.Finish()
	}
	done := fmt.Sprintf("synced %s with %s in %.1f s", w.options.Name, w.options.Collection, time.Since(u.start).Seconds())
	cost := fmt.Sprintf("%s, %s", count(u.chunks, "chunk"), count(u.tokens, "token"))
	if w.options.DryRun {
		done, cost = fmt.Sprintf("would sync %s with %s", w.options.Name, w.options.Collection), u.estimate()
	}
	u.outcomes["unchanged"] += w.untouched()
	return u.say(fmt.Sprintf("%s: %s, %s renamed, %d deleted; %s", done, u.counts(), count(w.renamed, "file"), w.deleted, cost))
}

// untouched counts the documents of files that there was nothing to do about.
func (w *syncWork) untouched() int {
	touched := map[string]bool{}
	for _, names := range [][]string{w.plan.Send, w.plan.Delete, slices.Collect(maps.Keys(w.plan.Rename))} {
		for _, name := range names {
			touched[name] = true
		}
	}
	n := 0
	for name, file := range w.stored {
		if !touched[name] {
			n += len(file.docs)
		}
	}
	return n
}
