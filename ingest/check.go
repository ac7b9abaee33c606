package ingest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/samber/lo"

	"searchd/models"
	"searchd/models/db"
)

// CheckOptions say what is checked. The zero value checks everything, and changes nothing.
type CheckOptions struct {
	Collection string                // by name; empty means all
	Repair     bool                  // set right what can be
	Progress   func(done, total int) // is told of documents and chunks as they are verified; nil means nobody is
}

// maxFaults is how many faults are told one by one.
const maxFaults = 100

// CheckReport is what a check has found.
type CheckReport struct {
	Collections int
	Documents   int
	Unsummed    int // records without a checksum, of an earlier searchd; a repair gives them theirs
	Faults      []models.Fault
	Outcomes    map[models.Outcome]int // of all faults, those too that are not told

	Quarantine   []models.Quarantined // the newest
	InQuarantine int
}

// Found is the number of faults.
func (r CheckReport) Found() int { return lo.Sum(lo.Values(r.Outcomes)) }

// Check verifies the store and holds the indexes against it, while documents come and go. What a repair changes is changed
// document by document; nobody waits for longer than that takes.
func (s *Service) Check(ctx context.Context, o CheckOptions) (CheckReport, error) {
	r := checking{Service: s, o: o, repair: o.Repair, damaged: map[uint64]bool{}, report: CheckReport{Outcomes: map[models.Outcome]int{}}}
	if o.Progress == nil {
		r.o.Progress = func(int, int) {}
	}
	if err := r.read(ctx); err != nil {
		return r.report, err
	}
	for _, step := range []func(context.Context) error{r.file, r.records, r.counters, r.orphans, r.indexes, r.quarantined} {
		if err := step(ctx); err != nil {
			return r.report, err
		}
	}
	return r.report, nil
}

// checking is a check that goes on.
type checking struct {
	*Service
	o      CheckOptions
	repair bool // no more where SQLite's file is damaged
	broken bool // SQLite's file is damaged

	collections []models.Collection
	damaged     map[uint64]bool // documents that are left as they are: what the indexes have of them is no fault of theirs
	done, total int
	report      CheckReport
}

// read reads the collections that are checked.
func (r *checking) read(ctx context.Context) error {
	list, err := r.db.AllGenerations(ctx, r.o.Collection)
	if err == nil && len(list) == 0 && r.o.Collection != "" {
		err = models.Errorf(models.NotFound, "collection", "there is no collection %q", r.o.Collection)
	}
	r.collections, r.report.Collections, r.total = list, len(list), 0
	for _, c := range list {
		r.total += c.Documents
		if c.Generation != models.Previous {
			r.total += c.Chunks
		}
	}
	return err
}

func (r *checking) advance(n int) {
	r.done += n
	r.total = max(r.total, r.done)
	r.o.Progress(r.done, r.total)
}

// found notes a fault.
func (r *checking) found(f models.Fault, outcome models.Outcome) {
	f.Outcome = outcome
	r.report.Outcomes[outcome]++
	if len(r.report.Faults) < maxFaults {
		r.report.Faults = append(r.report.Faults, f)
	}
}

func (r *checking) foundIn(c models.Collection, kind models.FaultKind, outcome models.Outcome, format string, args ...any) {
	r.found(models.Fault{Kind: kind, Collection: c.Name, Generation: c.Generation, Message: fmt.Sprintf(format, args...)}, outcome)
}

// mended is the outcome of a repair that ended with err, where there was one.
func (r *checking) mended(ctx context.Context, do func() error) (models.Outcome, error) {
	if !r.repair {
		return models.Remains, nil
	}
	err := do()
	switch {
	case err == nil:
		return models.Repaired, nil
	case ctx.Err() != nil:
		return models.Remains, err
	}
	r.log.Error("repair failed", "error", err)
	return models.Remains, nil
}

const restoreRemedy = "; the file itself is damaged: stop searchd and restore a backup (searchd restore)"

// file asks SQLite. Its own indexes can be made again from the rows; pages that are damaged cannot, and nothing is written to
// such a file any more.
func (r *checking) file(ctx context.Context) error {
	complaints, err := r.db.Integrity(ctx)
	if err != nil && ctx.Err() != nil {
		return err
	}
	if err != nil {
		complaints = append(complaints, err.Error())
	}
	outcome := models.Remains
	if db.OnlyIndexes(complaints) && len(complaints) > 0 {
		outcome, err = r.mended(ctx, func() error { return r.db.RebuildIndexes(ctx) })
		if err != nil {
			return err
		}
	}
	if outcome == models.Remains && len(complaints) > 0 {
		r.broken, r.repair = true, r.repair && db.OnlyIndexes(complaints)
	}
	for i, c := range complaints {
		remedy := lo.Ternary(outcome == models.Repaired || i > 0, "", restoreRemedy)
		r.found(models.Fault{Kind: models.FaultFile, Message: "SQLite: " + strings.ReplaceAll(c, "\n", " ") + remedy}, outcome)
	}
	return nil
}

// records verifies all documents with what belongs to them.
func (r *checking) records(ctx context.Context) error {
	var of db.Records
	if r.o.Collection != "" {
		of.Collections = lo.Map(r.collections, func(c models.Collection, _ int) uint64 { return c.ID })
	}
	for after := uint64(0); ; {
		v, err := r.db.VerifyDocuments(ctx, of, after)
		if err != nil && ctx.Err() != nil {
			return err
		}
		if err != nil {
			r.broken = true
			r.found(models.Fault{Kind: models.FaultFile, Message: fmt.Sprintf("the documents after number %d cannot be listed: %v%s", after, err, restoreRemedy)}, models.Remains)
			return nil
		}
		for _, d := range v.Damaged {
			if err := r.document(ctx, d); err != nil {
				return err
			}
		}
		if err := r.sums(ctx, v.Unsummed); err != nil {
			return err
		}
		r.report.Documents += v.Documents
		r.advance(v.Documents)
		if after = v.Last; after == 0 {
			return nil
		}
	}
}

// sums fills missing checksums in. That a record has none is no fault of it.
func (r *checking) sums(ctx context.Context, unsummed []db.Unsummed) error {
	if r.repair && len(unsummed) > 0 {
		return r.db.FillSums(ctx, unsummed)
	}
	r.report.Unsummed += len(unsummed)
	return nil
}

// counters holds the counters of collections against their documents.
func (r *checking) counters(ctx context.Context) error {
	for _, c := range r.collections {
		m, err := r.db.Counters(ctx, c.ID)
		if err != nil && (ctx.Err() != nil || !r.broken) {
			return err
		}
		if err != nil || m == nil {
			continue
		}
		outcome, err := r.mended(ctx, func() error { return r.db.Recount(ctx, c.ID) })
		if err != nil {
			return err
		}
		r.foundIn(c, models.FaultCounters, outcome, "the collection counts %d documents and %d chunks; there are %d and %d",
			m.Collection.Documents, m.Collection.Chunks, m.Documents, m.Chunks)
	}
	return nil
}

// orphans looks for rows whose documents are not there. They are of no collection, so that a check of one leaves them out.
func (r *checking) orphans(ctx context.Context) error {
	if r.o.Collection != "" {
		return nil
	}
	var all []db.Orphans
	more := 0
	err := r.db.Orphans(ctx, func(o db.Orphans) {
		if len(all) == maxFaults {
			more++
			return
		}
		all = append(all, o)
	})
	if err != nil || len(all) == 0 {
		return lo.Ternary(r.broken && ctx.Err() == nil, nil, err)
	}
	outcome, err := r.mended(ctx, func() error { return r.db.RemoveOrphans(ctx) })
	for _, o := range all {
		r.found(models.Fault{Kind: models.FaultOrphan, Message: fmt.Sprintf("%d rows of %s belong to document number %d, which is not there", o.Rows, o.Table, o.Document)}, outcome)
	}
	r.report.Outcomes[outcome] += more
	return err
}

// quarantined lists what is in quarantine.
func (r *checking) quarantined(ctx context.Context) (err error) {
	r.report.Quarantine, r.report.InQuarantine, err = r.db.Quarantined(ctx, maxFaults)
	return lo.Ternary(r.broken && ctx.Err() == nil, nil, err)
}

// document cures a damaged document, where that is asked for, and notes its faults.
func (r *checking) document(ctx context.Context, d db.Damaged) error {
	outcome, problem := models.Remains, error(nil)
	if r.repair {
		const tries = 3
		problem = db.ErrChanged
		for range tries {
			if !errors.Is(problem, db.ErrChanged) {
				break
			}
			outcome, problem = r.cure(ctx, d)
			if !errors.Is(problem, db.ErrChanged) {
				break
			}
			v, err := r.db.VerifyDocument(ctx, d.Seq)
			if err != nil {
				return err
			}
			if len(v.Damaged) == 0 { // it was deleted or replaced meanwhile, and so was the damage
				return nil
			}
			d = v.Damaged[0]
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if outcome == models.Remains {
		r.damaged[d.Seq] = true
	}
	for _, f := range d.Faults {
		if problem != nil {
			f.Message += "; it cannot be set right: " + problem.Error()
		}
		r.found(f, outcome)
	}
	return nil
}
