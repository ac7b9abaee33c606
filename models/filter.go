package models

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Op is what a filter's node does.
type Op string

const (
	And      Op = "$and"
	Or       Op = "$or"
	Not      Op = "$not"
	Eq       Op = "$eq"
	Ne       Op = "$ne"
	Gt       Op = "$gt"
	Gte      Op = "$gte"
	Lt       Op = "$lt"
	Lte      Op = "$lte"
	In       Op = "$in"
	Nin      Op = "$nin"
	Exists   Op = "$exists"
	Contains Op = "$contains"
)

// Limits of one filter: each condition costs an index look-up.
const (
	maxFilterDepth      = 16
	maxFilterConditions = 256
	maxFilterValues     = 1000
)

// Filter is a condition on metadata, as a tree. And, Or and Not have Of; the others have Key and Values.
//
// The operators mean what they mean in MongoDB: a condition on an array holds when one element meets it; $ne, $nin and
// $not also hold where the key is absent; unlike there, null equals only a null that is present. $contains is a part of a string, or an element of an array.
type Filter struct {
	Op     Op
	Key    string
	Values []Value
	Of     []*Filter
}

// ParseFilter reads a filter such as {"lang":"go","year":{"$gte":2020}}. An empty object, null or nothing is the nil
// filter, which everything meets.
func ParseFilter(raw []byte) (*Filter, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	if len(raw) > MaxMetadataBytes {
		return nil, Errorf(Invalid, "", "has %d bytes; at most %d are allowed", len(raw), MaxMetadataBytes)
	}
	members, err := decodeObject(raw)
	if err != nil {
		return nil, Errorf(Invalid, "", `is not a JSON object such as {"lang":"go","year":{"$gte":2020}}`)
	}
	p := filterParser{}
	f, err := p.object("", members, 0)
	if err != nil || len(f.Of) == 0 && f.Op == And {
		return nil, err
	}
	return f, nil
}

type filterParser struct{ conditions int }

// object reads {"key": condition, "$or": […], …}: all of it must hold.
func (p *filterParser) object(path string, members map[string]any, depth int) (*Filter, error) {
	if depth > maxFilterDepth {
		return nil, Errorf(Invalid, path, "is nested more than %d deep", maxFilterDepth)
	}
	if len(members) == 0 && depth > 0 { // it would hold for everything, which nobody means to write
		return nil, Errorf(Invalid, path, "is empty; give a condition")
	}
	all := &Filter{Op: And}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		f, err := p.member(path, key, members[key], depth)
		if err != nil {
			return nil, err
		}
		all.Of = append(all.Of, f)
	}
	if len(all.Of) == 1 {
		return all.Of[0], nil
	}
	return all, nil
}

func (p *filterParser) member(path, key string, value any, depth int) (*Filter, error) {
	at := join(path, key)
	switch op := Op(key); {
	case op == And || op == Or:
		return p.list(at, op, value, depth)
	case op == Not:
		inner, ok := value.(map[string]any)
		if !ok {
			return nil, Errorf(Invalid, at, "takes a filter object")
		}
		f, err := p.object(at, inner, depth+1)
		return &Filter{Op: Not, Of: []*Filter{f}}, err
	case strings.HasPrefix(key, "$"):
		return nil, Errorf(Invalid, at, "is not an operator that can stand here; $and, $or and $not can, others follow a key")
	}
	if err := checkKey(key); err != nil {
		return nil, Within(path, err)
	}
	return p.condition(at, key, value, depth)
}

func (p *filterParser) list(at string, op Op, value any, depth int) (*Filter, error) {
	list, ok := value.([]any)
	if !ok || len(list) == 0 {
		return nil, Errorf(Invalid, at, "takes a list of filter objects, at least one")
	}
	f := &Filter{Op: op}
	for i, element := range list {
		path := fmt.Sprintf("%s[%d]", at, i)
		members, ok := element.(map[string]any)
		if !ok {
			return nil, Errorf(Invalid, path, "is not a filter object")
		}
		inner, err := p.object(path, members, depth+1)
		if err != nil {
			return nil, err
		}
		f.Of = append(f.Of, inner)
	}
	return f, nil
}

// condition reads what stands after a key: a value, or an object of operators that must all hold.
func (p *filterParser) condition(at, key string, value any, depth int) (*Filter, error) {
	switch v := value.(type) {
	case map[string]any:
		return p.operators(at, key, v, depth)
	case []any:
		return nil, Errorf(Invalid, at, `is a list; write {"$in":[…]} for any of them, or {"$contains":…} for an element`)
	}
	return p.leaf(at, key, Eq, value)
}

func (p *filterParser) operators(at, key string, members map[string]any, depth int) (*Filter, error) {
	if len(members) == 0 {
		return nil, Errorf(Invalid, at, "has no operator; use $eq $ne $gt $gte $lt $lte $in $nin $exists $contains $not")
	}
	if depth > maxFilterDepth {
		return nil, Errorf(Invalid, at, "is nested more than %d deep", maxFilterDepth)
	}
	all := &Filter{Op: And}
	for _, op := range slices.Sorted(maps.Keys(members)) {
		var f *Filter
		var err error
		if Op(op) == Not {
			if f, err = p.condition(join(at, op), key, members[op], depth+1); err == nil {
				f = &Filter{Op: Not, Of: []*Filter{f}}
			}
		} else {
			f, err = p.leaf(join(at, op), key, Op(op), members[op])
		}
		if err != nil {
			return nil, err
		}
		all.Of = append(all.Of, f)
	}
	if len(all.Of) == 1 {
		return all.Of[0], nil
	}
	return all, nil
}

func (p *filterParser) leaf(at, key string, op Op, value any) (*Filter, error) {
	if p.conditions++; p.conditions > maxFilterConditions {
		return nil, Errorf(Invalid, at, "is one condition too many; at most %d are allowed", maxFilterConditions)
	}
	switch op {
	case In, Nin:
		values, err := parseList(at, value)
		if err != nil {
			return nil, err
		}
		return negateIf(op == Nin, &Filter{Op: In, Key: key, Values: values}), nil
	case Exists:
		want, ok := value.(bool)
		if !ok {
			return nil, Errorf(Invalid, at, "takes true or false")
		}
		return negateIf(!want, &Filter{Op: Exists, Key: key}), nil
	case Eq, Ne, Gt, Gte, Lt, Lte, Contains:
		return p.compare(at, key, op, value)
	}
	return nil, Errorf(Invalid, at, "is not an operator; use $eq $ne $gt $gte $lt $lte $in $nin $exists $contains $not")
}

func (p *filterParser) compare(at, key string, op Op, value any) (*Filter, error) {
	v, err := parseScalar(at, value)
	if err != nil {
		return nil, err
	}
	ordered := v.Kind == KindNumber || v.Kind == KindTime || v.Kind == KindString
	if (op == Gt || op == Gte || op == Lt || op == Lte) && !ordered {
		return nil, Errorf(Invalid, at, "takes a number, a string or an RFC 3339 time")
	}
	if op == Ne {
		return negateIf(true, &Filter{Op: Eq, Key: key, Values: []Value{v}}), nil
	}
	return &Filter{Op: op, Key: key, Values: []Value{v}}, nil
}

func parseList(at string, value any) ([]Value, error) {
	list, ok := value.([]any)
	if !ok {
		return nil, Errorf(Invalid, at, "takes a list of values")
	}
	if len(list) > maxFilterValues {
		return nil, Errorf(Invalid, at, "has %d values; at most %d are allowed", len(list), maxFilterValues)
	}
	values := make([]Value, len(list))
	for i, element := range list {
		v, err := parseScalar(fmt.Sprintf("%s[%d]", at, i), element)
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	return values, nil
}

func negateIf(negate bool, f *Filter) *Filter {
	if !negate {
		return f
	}
	return &Filter{Op: Not, Of: []*Filter{f}}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
