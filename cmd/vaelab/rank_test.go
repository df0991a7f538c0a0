package main

import (
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
)

// ranked is an experiment with two methods over their dials, and one without.
const ranked = tiny + "grid: [{variant: vanilla}, {variant: {delta-vae: {delta: [0.01, 1]}}}, {variant: {ln: {gamma: [0.2, 2]}}}]\nseeds: 2\n"

// TestRank: the formats have the same methods and numbers, from a results folder and from an archive of it.
func TestRank(t *testing.T) {
	folder(t, "tiny.yaml", ranked)
	succeeds(t, "run", "tiny.yaml", "-q", "--set", "train.epochs=4")
	line := []string{"rank", "results", "--at", "1,2", "--baseline", "ln"}
	text := succeeds(t, line...).out
	has(t, "text", text, "synthetic at a KL of 1 nats. Test split", "at a KL of 2 nats", "ln (baseline)", "Δ NLL", "no dial: one rate, KL ", "not converged: ",
		"With 2 seeds no two-sided p can be below 0.5 (1/2).")
	markdown := succeeds(t, append(line, "--format", "markdown")...).out
	has(t, "markdown", markdown, "# Methods at equal rates\n", "## synthetic at 1 nats\n", "| ln (baseline) | 2 |")

	table, err := csv.NewReader(strings.NewReader(succeeds(t, append(line, "--format", "csv")...).out)).ReadAll()
	if err != nil || len(table) != 1+2*3 {
		t.Fatalf("%v, %d lines of CSV", err, len(table))
	}
	at := map[string]int{}
	for i, name := range table[0] {
		at[name] = i
	}
	var tables []struct {
		Data, Split, Baseline string
		DataDigest            string `json:"data_digest"`
		Rate                  float64
		Methods               []map[string]any
		Notes                 []string
	}
	decoded(t, succeeds(t, append(line, "--format", "json")...), &tables)
	if len(tables) != 2 || len(tables[0].Notes) == 0 || tables[1].Rate != 2 || tables[0].Baseline != "ln" {
		t.Fatalf("JSON %+v", tables)
	}
	row := 1
	for _, of := range tables {
		for _, m := range of.Methods {
			for name, value := range m {
				want := fmt.Sprint(value)
				if value == nil {
					want = ""
				}
				if got := table[row][at[name]]; got != want {
					t.Errorf("line %d, %s: %q in CSV, %q in JSON", row, name, got, want)
				}
			}
			if got := table[row][at["rate"]]; got != fmt.Sprint(of.Rate) {
				t.Errorf("line %d: rate %s", row, got)
			}
			row++
		}
	}

	write(t, "patient.yaml", "experiment: tiny\n"+ranked+"converged: {steps: 20, tolerance: 1000}\n")
	if patient := succeeds(t, append(line, "--experiment", "patient.yaml")...).out; strings.Contains(patient, "not converged") {
		t.Errorf("by the criterion of the file all have converged, but\n%s", patient)
	}
	succeeds(t, "report", "results/tiny", "--rows", "--out", "published", "--unknown-revision")
	if archived := succeeds(t, append([]string{"rank", "published"}, line[2:]...)...).out; archived != text {
		t.Errorf("from the archive\n%s\nfrom the folder\n%s", archived, text)
	}
}
