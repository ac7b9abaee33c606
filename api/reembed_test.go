package api_test

import (
	"strings"
	"testing"
	"time"

	"searchd/api/wire"
	"searchd/hf/hftest"
)

func TestReembed(t *testing.T) {
	first, second := hftest.NewModel(hftest.Options{ID: "test/first"}), hftest.NewModel(hftest.Options{ID: "test/second", Dimensions: 48})
	s := startWired(t, hftest.Set{first, second}, wiring{})
	check(t, s)
	s.add(wire.Document{ID: "a", Text: "Yeast lifts the dough."}, wire.Document{ID: "b", Text: "The moon pulls the sea."})
	for _, b := range []struct {
		body, param string
		status      int
	}{
		{`{}`, "model", 422}, {`{"model":"none"}`, "model", 422}, {`{"model":"test/first"}`, "model", 422}, {`{"model":"test/second","keep":1}`, "keep", 422},
		{`{"model":3}`, "model", 422}, {``, "", 400},
	} {
		if e := as[wire.ErrorAnswer](t, s.post("/reembed", b.body), b.status).Error; e.Param != b.param {
			t.Errorf("%s: %+v", b.body, e)
		}
	}
	as[wire.ErrorAnswer](t, s.do("DELETE", "/previous", "", ""), 404)
	as[wire.ErrorAnswer](t, s.post("/collections/none/reembed", `{"model":"test/second"}`), 404)

	entered, release := second.Hold(0)
	job := as[wire.JobAnswer](t, s.post("/reembed?wait=0", `{"model":"second"}`), 202).Job
	<-entered
	c := as[wire.Collection](t, s.get("/collections/default"), 200)
	if job.Kind != "reembed" || job.Total != 2 || c.Model != "test/first" || c.Building == nil || c.Building.Model != "test/second" || c.Previous != nil {
		t.Errorf("%+v, %+v", job, c)
	}
	as[wire.ErrorAnswer](t, s.post("/reembed", `{"model":"second"}`), 409)
	release()
	s.waitUntilFinished(job.ID)
	as[wire.ErrorAnswer](t, s.post("/jobs/"+job.ID+"/retry", ""), 422)
	list := as[wire.CollectionList](t, s.get("/collections"), 200)
	if c = list.Collections[0]; len(list.Collections) != 1 || list.Total != 1 || c.Model != "test/second" || c.Dimensions != 48 || c.Documents != 2 || c.Building != nil || c.Previous == nil || c.Previous.Model != "test/first" || c.Previous.Documents != 2 {
		t.Errorf("%+v", list)
	}
	found := as[wire.SearchAnswer](t, s.post("/search", `{"query":"moon sea"}`), 200)
	if found.Model != "test/second" || found.Total != 2 || found.Hits[0].DocumentID != "b" {
		t.Errorf("%+v", found)
	}
	if back := as[wire.JobAnswer](t, s.post("/reembed", `{"model":"test/first"}`), 200).Job; back.Status != "done" || back.Done != 2 {
		t.Errorf("%+v", back)
	}
	if n := as[wire.Deleted](t, s.do("DELETE", "/previous", "", ""), 200).Deleted; n != 2 {
		t.Errorf("the vectors of %d documents are gone", n)
	}
	if c := as[wire.Collection](t, s.get("/collections/default"), 200); c.Previous != nil || c.Model != "test/first" || c.Documents != 2 {
		t.Errorf("%+v", c)
	}
}

func (s *server) waitUntilFinished(job string) {
	s.t.Helper()
	for range 1000 {
		if as[wire.JobAnswer](s.t, s.get("/jobs/"+job), 200).Job.FinishedAt != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Fatalf("job %s does not end", job)
}

func TestRetry(t *testing.T) {
	m := hftest.NewModel(hftest.Options{})
	s := startWith(t, m)
	check(t, s)
	as[wire.ErrorAnswer](t, s.post("/jobs/none/retry", ""), 404)
	entered, release := m.Hold(0)
	const documents = `{"documents":[{"id":"a","text":"First."},{"id":"b","text":"Second."},{"id":"c","text":"Third."},{"id":"d","text":" "}]}`
	job := as[wire.JobAnswer](t, s.post("/documents?wait=0", documents), 202).Job
	<-entered
	as[wire.ErrorAnswer](t, s.post("/jobs/"+job.ID+"/retry", ""), 409)
	as[wire.JobAnswer](t, s.do("DELETE", "/jobs/"+job.ID, "", ""), 200)
	release()
	s.add(wire.Document{ID: "b", Text: "Newer than what is tried again."})
	again := as[wire.JobAnswer](t, s.post("/jobs/"+job.ID+"/retry", ""), 200).Job
	var ids []string
	for _, r := range again.Results {
		ids = append(ids, r.ID+" "+r.Status)
	}
	if got := strings.Join(ids, ", "); got != "a created, c created" || again.Status != "done" || again.ID == job.ID {
		t.Errorf("%s; %+v", got, again)
	}
	if e := as[wire.ErrorAnswer](t, s.post("/jobs/"+job.ID+"/retry", ""), 422).Error; e.Param != "id" {
		t.Errorf("tried again twice: %+v", e)
	}
	if d := as[wire.StoredDocument](t, s.get("/documents/b"), 200); *d.Text != "Newer than what is tried again." {
		t.Errorf("%q", *d.Text)
	}
}
