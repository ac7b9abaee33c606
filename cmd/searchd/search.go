package main

import (
	"context"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"searchd/api/wire"
	"searchd/search"
)

type searchCommand struct {
	Query        string   `arg:"" optional:"" help:"What to find, in your own words; without it, give --like."`
	Collection   string   `help:"Collection to search." default:"default"`
	Mode         string   `help:"How to find: hybrid, semantic or lexical." default:"hybrid"`
	Limit        int      `help:"Number of hits." default:"5" short:"n"`
	Offset       int      `help:"Hits to pass over." placeholder:"N"`
	Filter       string   `help:"Condition on metadata, as JSON: {\"lang\":\"go\"}." placeholder:"JSON"`
	MinRelevance float64  `help:"Leave out hits below this relevance, 0 to 1." placeholder:"R"`
	Facet        []string `help:"Count the values of this metadata key over all hits; may be repeated." placeholder:"KEY" sep:"none"`
	Like         []string `help:"Find documents like this one, by id, in place of a query; may be repeated." placeholder:"ID" sep:"none"`
	Unlike       []string `help:"Turn away from this document, by id; may be repeated." placeholder:"ID" sep:"none"`
	GroupBy      string   `help:"What one hit is: document or chunk." default:"document"`
	Collapse     bool     `help:"Show one of passages that are copies."`
	Diversity    float64  `help:"Let hits differ from those before them, 0 to 1." placeholder:"D"`
	Rerank       bool     `help:"Let a cross-encoder order the best hits."`
	RerankModel  string   `help:"Which one." placeholder:"ID"`
	RerankAt     string   `name:"rerank-provider" help:"Whose; this process has some where they were pulled." placeholder:"ID"`
	Highlight    bool     `help:"Show the sentences that are nearest to the question." default:"true" negatable:""`
	Exact        bool     `help:"Look at every vector."`
	Explain      bool     `help:"Say where each hit comes from, and what took how long."`
	JSON         bool     `help:"Print the answer as JSON."`
}

func (s *searchCommand) Run(ctx context.Context, c *cli, t terminal) error {
	filter, err := filterFlag(s.Filter)
	if err != nil {
		return err
	}
	return c.with(ctx, t, func(session session) error {
		answer, err := session.Search(ctx, s.Collection, wire.SearchRequest{
			Query: s.Query, Mode: wire.Choice(s.Mode), Limit: &s.Limit, Offset: s.Offset, Filter: filter, MinRelevance: s.MinRelevance,
			Facets: s.Facet, Like: s.Like, Unlike: s.Unlike, GroupBy: wire.Choice(s.GroupBy), CollapseDuplicates: s.Collapse, Diversity: s.Diversity,
			Rerank: s.Rerank, RerankModel: s.RerankModel, RerankProvider: s.RerankAt, Highlight: s.Highlight && s.Limit <= search.MaxHighlighted, Exact: s.Exact, Explain: s.Explain,
		})
		if err != nil {
			return err
		}
		if s.JSON {
			return json.MarshalWrite(t.out, answer, jsontext.Multiline(true))
		}
		return printHits(t.out, answer, s.Offset)
	})
}
