package sweep

import (
	"encoding/json"
	"maps"
	"math"
	"reflect"
	"strings"

	"vaelab/internal/claims"
	"vaelab/internal/converge"
	"vaelab/internal/data"
	"vaelab/internal/models"
	"vaelab/internal/optim"
	"vaelab/internal/registry"
	"vaelab/internal/train"
	"vaelab/plots"
	"vaelab/variants"
)

// SchemaVersion counts the versions of Schema: it changes when a file that was valid is not any more.
const SchemaVersion = 1

// A node is a part of a JSON schema.
type node map[string]any

// Schema is the JSON Schema (draft 2020-12) of an experiment file, made of the structs that the reader fills: keys, types,
// ranges, choices, defaults and what they mean. An editor completes and checks files with it.
//
// The reader understands more: settings that stand in another section, as in flat lists of flags, dotted keys, and names of
// other programs. It also refuses more: settings that contradict each other, and claims about trials that the file
// does not have.
func Schema() ([]byte, error) {
	s := schema{defs: node{}}
	s.defs["trial"] = s.trial()
	s.docs = registry.ReadDocs(converge.Source)
	s.defs["converged"] = s.settings(reflect.ValueOf(converge.Default), "converged", false)
	s.defs["selection"] = node{
		"description": "trials by their settings: a variant's name, or settings with their values, such as {variant: bn, variant.bn.gamma: 0.5}",
		"anyOf":       []node{{"type": "string"}, {"type": "object", "additionalProperties": node{"type": []string{"string", "number", "boolean"}}}},
	}
	s.defs["seeds"] = node{"anyOf": []node{{"type": "integer", "minimum": 1, "maximum": maxTrials}, {"type": "array", "minItems": 1, "uniqueItems": true, "items": node{"type": "integer", "minimum": 0}}}}
	trial := ref("trial")
	top := node{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "vaelab experiment", "version": SchemaVersion, "type": "object", "additionalProperties": false,
		"properties": node{
			"experiment": node{"type": "string", "pattern": nameRule.String()},
			"base":       trial,
			"grid":       node{"type": "array", "minItems": 1, "items": node{"anyOf": []node{trial, {"type": "null"}}}},
			"seeds":      ref("seeds"),
			"seed":       node{"type": []string{"integer", "array"}},
			"figures":    node{"type": "array", "uniqueItems": true, "items": s.named(plots.Figures.Names(), plots.Figures.Doc)},
			"baseline":   ref("selection"),
			"converged":  ref("converged"),
			"claims":     node{"type": "array", "items": s.claim()},
			"set": node{"type": "array", "items": node{"type": "object", "additionalProperties": false, "patternProperties": node{
				"^(" + strings.Join(sections, "|") + ")([.].+)?$": node{"description": "a setting by its path"},
			}}},
			"frozen":  node{"type": "string", "minLength": 1},
			"extends": node{"type": "string", "minLength": 1},
			"notes":   node{"type": "string"},
		},
	}
	for key, value := range top["properties"].(node) {
		if doc, ok := Keys[key]; ok {
			described := maps.Clone(value.(node))
			described["description"] = doc
			top["properties"].(node)[key] = described
		}
	}
	top["$defs"] = s.defs
	text, err := json.MarshalIndent(top, "", " ")
	return append(text, '\n'), err
}

// A schema is one that is being made.
type schema struct {
	defs node
	docs map[string]registry.Doc // of the package whose structs are being read, by type
}

func ref(name string) node { return node{"$ref": "#/$defs/" + name} }

// trial is what base and an entry of the grid hold.
func (s *schema) trial() node {
	ofTrain, ofKL := registry.ReadDocs(train.Source), registry.ReadDocs(optim.Source)
	maps.Copy(ofTrain, ofKL) // train.decay and train.stop are of optim
	s.docs = ofTrain
	s.defs["kl"] = s.settings(reflect.ValueOf(optim.DefaultKL), "kl", true)
	s.defs["train"] = s.settings(reflect.ValueOf(train.Defaults), "train", true)
	return node{"type": "object", "additionalProperties": false, "properties": node{
		"data":    kindsSchema(s, "data", data.Sources, 1),
		"model":   kindsSchema(s, "model", models.Models, 1),
		"variant": kindsSchema(s, "variant", variants.Methods, math.MaxInt),
		"kl":      listable(ref("kl")),
		"train":   listable(ref("train")),
	}, "patternProperties": node{"^(" + strings.Join(sections, "|") + ")[.]": node{"description": "a setting by its path"}}}
}

// kindsSchema is a section that names kinds: a name, kinds with their settings, at most so many at a time, or a list of those.
func kindsSchema[T any](s *schema, section string, r *registry.Registry[T], most int) node {
	s.docs = r.Docs()
	properties := node{}
	for _, name := range r.Names() {
		kind, _ := r.Get(name)
		def := s.settings(reflect.ValueOf(kind), section+"."+name, true)
		def["description"] = r.Doc(name)
		def["type"] = []string{"object", "null"}
		s.defs[section+"."+name] = def
		properties[name] = listable(ref(section + "." + name))
	}
	with := node{"type": "object", "additionalProperties": false, "minProperties": 1, "properties": properties}
	if most < math.MaxInt {
		with["maxProperties"] = most
	}
	one := node{"anyOf": []node{s.named(r.Names(), r.Doc), with, {"type": "null"}}}
	s.defs[section] = one
	return listable(ref(section))
}

// listable is a value, or a list of values that make a trial each.
func listable(n node) node {
	return node{"anyOf": []node{n, {"type": "array", "minItems": 1, "items": n}}}
}

// named is one of some names, each with what it means.
func (s *schema) named(names []string, doc func(string) string) node {
	var each []node
	for _, name := range names {
		each = append(each, node{"const": name, "description": doc(name)})
	}
	return node{"oneOf": each}
}

// settings are the keys of a struct, which is to stand at a path of the schema. In a trial each may have a list of values.
func (s *schema) settings(v reflect.Value, at string, lists bool) node {
	whole := reflect.New(v.Type()).Elem()
	whole.Set(v)
	properties := node{}
	for _, field := range settings(whole) {
		path := at + "/properties/" + field.key
		var n node
		if field.value.Kind() == reflect.Struct {
			n = s.settings(field.value, path, lists)
		} else if n = s.scalar(field); lists {
			n = node{"anyOf": []node{n, {"type": "array", "minItems": 1, "items": ref(path + "/anyOf/0")}}}
		}
		if doc := s.docs[field.owner].Settings[field.key]; doc != "" {
			n["description"] = doc
		}
		properties[field.key] = n
		for _, alias := range field.aliases {
			properties[alias] = node{"$ref": ref(path)["$ref"], "$comment": "understood as " + field.key}
		}
	}
	return node{"type": "object", "additionalProperties": false, "properties": properties}
}

// scalar is one value of one setting.
func (s *schema) scalar(field setting) node {
	if _, ok := field.value.Interface().(claims.Selection); ok {
		return ref("selection")
	}
	n := node{}
	switch field.value.Kind() {
	case reflect.Int, reflect.Uint64:
		n["type"] = "integer"
	case reflect.Float64:
		n["type"] = "number"
	case reflect.Bool:
		n["type"] = "boolean"
	default:
		if n["type"] = []string{"string", "number", "boolean"}; len(field.choices) > 0 {
			n = node{"enum": field.choices}
		}
	}
	if field.value.Kind() == reflect.Uint64 {
		n["minimum"] = 0
	}
	bound := func(at float64, in bool, including, excluding string) {
		switch {
		case math.IsInf(at, 0):
		case in:
			n[including] = at
		default:
			n[excluding] = at
		}
	}
	if field.bounds != "" {
		bound(field.low, field.lowIn, "minimum", "exclusiveMinimum")
		bound(field.high, field.highIn, "maximum", "exclusiveMaximum")
	}
	if x, ok := field.value.Interface().(float64); !ok || !math.IsNaN(x) && !math.IsInf(x, 0) { // which JSON lacks, and stand for nothing given
		n["default"] = field.value.Interface()
	}
	return n
}

// claim is one claim: what every claim has, and the settings of one kind.
func (s *schema) claim() node {
	s.docs = claims.Kinds.Docs()
	said := claims.Claim{Confidence: claims.Default, Converged: "required"}
	all := s.settings(reflect.ValueOf(said), "claim", false)
	properties := all["properties"].(node)
	properties["seeds"] = ref("seeds")
	properties["despite"] = node{"type": "array", "items": node{"type": "string"}}
	var kinds []node
	for _, name := range claims.Kinds.Names() {
		kind, _ := claims.Kinds.Get(name)
		def := s.settings(reflect.ValueOf(kind), "claim."+name, false)
		def["description"] = claims.Kinds.Doc(name)
		s.defs["claim."+name] = def
		properties[name] = ref("claim." + name)
		kinds = append(kinds, node{"required": []string{name}})
	}
	all["required"], all["oneOf"] = []string{"say", "source"}, kinds
	s.defs["claim"] = all
	return ref("claim")
}
