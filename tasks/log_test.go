package tasks_test

import (
	"testing"
	"testing/synctest"
	"time"

	"searchd/hf"
	"searchd/hf/gateway"
	"searchd/models"
	"searchd/models/db"
	"searchd/tasks"
)

// TestOldRequestsAreForgottenHoweverBusy records a request a minute for hours: at no time is one much older than Keep.
func TestOldRequestsAreForgottenHoweverBusy(t *testing.T) {
	store := openLog(t)
	synctest.Test(t, func(t *testing.T) {
		old := models.ModelRequest{At: time.Now().Add(-40 * 24 * time.Hour).UTC(), Task: "t", Provider: "p", Model: "m", Status: models.RequestOK}
		if err := store.AddModelRequests(t.Context(), []models.ModelRequest{old}); err != nil {
			t.Fatal(err)
		}
		const keep = 2 * time.Hour
		log, err := tasks.NewLog(t.Context(), tasks.LogOptions{DB: store, Keep: keep})
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		synctest.Wait()
		if list := requests(t, store); len(list) != 0 {
			t.Errorf("what was old at the start is still there: %+v", list)
		}
		for range 5 * 60 {
			log.Record(t.Context(), gateway.Record{Time: time.Now(), Provider: "p", Model: "m", Task: hf.TextGeneration})
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		list := requests(t, store)
		oldest := time.Since(list[len(list)-1].At)
		if len(list) < 120 || oldest < keep || oldest > keep+time.Hour+time.Minute {
			t.Errorf("%d requests, the oldest of %v ago; %v are kept", len(list), oldest, keep)
		}
	})
}

// open opens a store outside of a bubble: GORM starts a goroutine that nothing ends.
func openLog(t *testing.T) *db.DB {
	t.Helper()
	store, err := db.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func requests(t *testing.T, store *db.DB) []models.ModelRequest {
	t.Helper()
	list, _, err := store.ModelRequests(t.Context(), db.RequestFilter{}, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestTheBudgetOutlivesTheProcess counts what was spent in the month, also by the process before, and starts anew with the
// next month.
func TestTheBudgetOutlivesTheProcess(t *testing.T) {
	store := openLog(t)
	synctest.Test(t, func(t *testing.T) {
		record := func(l *tasks.Log, provider, kind string, cached bool) {
			l.Record(t.Context(), gateway.Record{Time: time.Now(), Provider: provider, Type: kind, Task: hf.TextGeneration, Attempts: 1, PromptCharacters: 30, CompletionCharacters: 10, FromCache: cached})
		}
		for n := range int64(3) {
			log, err := tasks.NewLog(t.Context(), tasks.LogOptions{DB: store, Keep: 31 * 24 * time.Hour, MonthlyCharacters: 200})
			if err != nil {
				t.Fatal(err)
			}
			if all, hosted := log.Spent(); all != 60*n || hosted != 40*n {
				t.Errorf("start %d: %d characters, %d hosted", n, all, hosted)
			}
			record(log, "hf", "huggingface", false)
			record(log, "hf", "huggingface", true)
			record(log, tasks.Local, "local", false)
			log.Record(t.Context(), gateway.Record{Time: time.Now(), Provider: "tei", Type: "tei", Task: hf.FeatureExtraction, Attempts: 2, PromptCharacters: 20})
			log.Record(t.Context(), gateway.Record{Time: time.Now(), Provider: "tei", Type: "tei", Task: hf.FeatureExtraction, Fault: gateway.FaultBudget, PromptCharacters: 5000})
			log.Close()
		}
		log, err := tasks.NewLog(t.Context(), tasks.LogOptions{DB: store, Keep: 31 * 24 * time.Hour, MonthlyCharacters: 200})
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		for _, test := range []struct {
			provider   string
			characters int
			allowed    bool
		}{{"hf", 20, true}, {"hf", 21, false}, {tasks.Local, 1000, true}} {
			err := log.Allow(t.Context(), gateway.Spend{Provider: test.provider, Characters: test.characters})
			if (err == nil) != test.allowed || !test.allowed && models.CodeOf(err) != models.RateLimited {
				t.Errorf("%+v: %v", test, err)
			}
		}
		time.Sleep(31 * 24 * time.Hour)
		if err := log.Allow(t.Context(), gateway.Spend{Provider: "hf", Characters: 200}); err != nil {
			t.Errorf("the next month: %v", err)
		}
	})
}
