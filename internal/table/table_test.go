package table

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"vaelab/internal/record"
)

// run is a trial with settings such as "train.lr=1".
func run(variant string, seed int, rows []record.Row, settings ...string) record.Run {
	config := map[string]string{}
	for _, s := range settings {
		k, v, _ := strings.Cut(s, "=")
		config[k] = v
	}
	trial := record.Trial{Format: record.Format, Experiment: "x", ID: fmt.Sprintf("%s/seed-%d", variant, seed), Variant: variant, Seed: seed, Config: config}
	return record.Run{Trial: trial, Rows: record.Entries(rows...)}
}

type values = map[string]float64

func row(step int, split string, v values, vectors ...map[string][]float64) record.Row {
	r := record.Row{Step: step, Split: split, Values: v}
	if vectors != nil {
		r.Vectors = vectors[0]
	}
	return r
}

// few has a metric that is not finite, one that only some rows have, a vector whose length varies, and two rows at one step.
func few() *record.Set {
	kl := func(v float64, more ...float64) map[string][]float64 {
		return map[string][]float64{"kl_dim": append([]float64{v, 0}, more...)}
	}
	return &record.Set{Runs: []record.Run{
		run("bn", 1, []record.Row{
			row(1, "train", values{"kl": 1.5}, kl(1.5, 7)),
			row(1, "valid", values{"kl": 1.25, "mi": math.Inf(1)}),
			row(2, "train", values{"kl": 2}, kl(2)),
			row(2, "train", values{"mi": 3, "kl": 2.5}),
		}, "variant.bn.gamma=0.5"),
		run("vanilla", 2, []record.Row{row(1, "train", values{"kl": math.NaN()}, kl(math.NaN()))}),
		run("bn", 1, nil, "variant.bn.gamma=1"),
	}}
}

// wrote is a table as text.
func wrote(t *testing.T, table *Table, format string) string {
	t.Helper()
	var out bytes.Buffer
	if _, err := table.Write(&out, format); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// made is the table of what is chosen, which must be possible.
func made(t *testing.T, set *record.Set, layout func(*record.Set, *Selection) (*Table, error), metrics, splits []string) *Table {
	t.Helper()
	chosen := All(set)
	if metrics != nil {
		if err := chosen.Metrics(metrics, map[string]bool{"iw_nll": false}); err != nil {
			t.Fatal(err)
		}
	}
	if splits != nil {
		if err := chosen.Splits(set, splits); err != nil {
			t.Fatal(err)
		}
	}
	table, err := layout(set, chosen)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestText(t *testing.T) {
	for _, c := range []struct {
		name, format    string
		layout          func(*record.Set, *Selection) (*Table, error)
		metrics, splits []string
		want            string
	}{
		{"long", "csv", Long, nil, nil, `experiment,trial,variant,seed,variant.bn.gamma,step,split,metric,value
x,vanilla/seed-2,vanilla,2,,1,train,kl,NaN
x,vanilla/seed-2,vanilla,2,,1,train,kl_dim/0,NaN
x,vanilla/seed-2,vanilla,2,,1,train,kl_dim/1,0
x,bn/seed-1,bn,1,0.5,1,train,kl,1.5
x,bn/seed-1,bn,1,0.5,1,train,kl_dim/0,1.5
x,bn/seed-1,bn,1,0.5,1,train,kl_dim/1,0
x,bn/seed-1,bn,1,0.5,1,train,kl_dim/2,7
x,bn/seed-1,bn,1,0.5,1,valid,kl,1.25
x,bn/seed-1,bn,1,0.5,1,valid,mi,+Inf
x,bn/seed-1,bn,1,0.5,2,train,kl,2
x,bn/seed-1,bn,1,0.5,2,train,kl_dim/0,2
x,bn/seed-1,bn,1,0.5,2,train,kl_dim/1,0
x,bn/seed-1,bn,1,0.5,2,train,kl,2.5
x,bn/seed-1,bn,1,0.5,2,train,mi,3
`},
		{"wide", "csv", Wide, nil, nil, `experiment,trial,variant,seed,variant.bn.gamma,step,split,kl,mi
x,vanilla/seed-2,vanilla,2,,1,train,NaN,
x,bn/seed-1,bn,1,0.5,1,train,1.5,
x,bn/seed-1,bn,1,0.5,1,valid,1.25,+Inf
x,bn/seed-1,bn,1,0.5,2,train,2.5,3
`},
		{"a vector is all its numbers", "csv", Wide, []string{"kl_dim", "kl"}, nil, `experiment,trial,variant,seed,variant.bn.gamma,step,split,kl,kl_dim/0,kl_dim/1,kl_dim/2
x,vanilla/seed-2,vanilla,2,,1,train,NaN,NaN,0,
x,bn/seed-1,bn,1,0.5,1,train,1.5,1.5,0,7
x,bn/seed-1,bn,1,0.5,1,valid,1.25,,,
x,bn/seed-1,bn,1,0.5,2,train,2.5,2,0,
`},
		{"some of a vector", "csv", Wide, []string{"k?_dim/[02]"}, nil, `experiment,trial,variant,seed,variant.bn.gamma,step,split,kl_dim/0,kl_dim/2
x,vanilla/seed-2,vanilla,2,,1,train,NaN,
x,bn/seed-1,bn,1,0.5,1,train,1.5,7
x,bn/seed-1,bn,1,0.5,2,train,2,
`},
		{"a pattern without / has no vectors", "csv", Long, []string{"*"}, []string{"valid"}, `experiment,trial,variant,seed,variant.bn.gamma,step,split,metric,value
x,bn/seed-1,bn,1,0.5,1,valid,kl,1.25
x,bn/seed-1,bn,1,0.5,1,valid,mi,+Inf
`},
		{"not measured yet", "csv", Wide, []string{"iw_nll"}, nil, "experiment,trial,variant,seed,variant.bn.gamma,step,split,iw_nll\n"},
		{"no such rows yet", "csv", Long, nil, []string{"test"}, "experiment,trial,variant,seed,variant.bn.gamma,step,split,metric,value\n"},
		{"lines", "jsonl", Long, []string{"kl_dim/0", "mi"}, nil, `{"experiment":"x","trial":"vanilla/seed-2","variant":"vanilla","seed":2,"step":1,"split":"train","metric":"kl_dim/0","value":null}
{"experiment":"x","trial":"bn/seed-1","variant":"bn","seed":1,"variant.bn.gamma":"0.5","step":1,"split":"train","metric":"kl_dim/0","value":1.5}
{"experiment":"x","trial":"bn/seed-1","variant":"bn","seed":1,"variant.bn.gamma":"0.5","step":1,"split":"valid","metric":"mi","value":null}
{"experiment":"x","trial":"bn/seed-1","variant":"bn","seed":1,"variant.bn.gamma":"0.5","step":2,"split":"train","metric":"kl_dim/0","value":2}
{"experiment":"x","trial":"bn/seed-1","variant":"bn","seed":1,"variant.bn.gamma":"0.5","step":2,"split":"train","metric":"mi","value":3}
`},
		{"wide lines", "jsonl", Wide, nil, []string{"train"}, `{"experiment":"x","trial":"vanilla/seed-2","variant":"vanilla","seed":2,"step":1,"split":"train","kl":null}
{"experiment":"x","trial":"bn/seed-1","variant":"bn","seed":1,"variant.bn.gamma":"0.5","step":1,"split":"train","kl":1.5}
{"experiment":"x","trial":"bn/seed-1","variant":"bn","seed":1,"variant.bn.gamma":"0.5","step":2,"split":"train","kl":2.5,"mi":3}
`},
		{"no lines", "jsonl", Long, nil, []string{"test"}, ""},
	} {
		if got := wrote(t, made(t, few(), c.layout, c.metrics, c.splits), c.format); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
	if table := made(t, few(), Wide, nil, nil); !slices.Equal(table.LeftOut, []string{"kl_dim"}) {
		t.Errorf("left out: %v", table.LeftOut)
	}
}

// number is a cell that equals itself, NaN included.
func number(c Cell) string {
	return fmt.Sprint(c.Text, c.Integer, c.Missing, math.Float64bits(c.Number))
}

// readBack reads a Parquet file as rows of numbered cells.
func readBack(t *testing.T, text string, columns []Column) (rows [][]string) {
	t.Helper()
	file, err := parquet.OpenFile(strings.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range file.Schema().Fields() {
		kind := map[Type]parquet.Kind{Text: parquet.ByteArray, Integer: parquet.Int64, Number: parquet.Double}[columns[i].Type]
		if f.Name() != columns[i].Name || f.Type().Kind() != kind || f.Optional() != columns[i].Missing {
			t.Errorf("column %d is %v %q, want %+v", i, f, f.Name(), columns[i])
		}
	}
	for _, group := range file.RowGroups() {
		in := group.Rows()
		buffer := make([]parquet.Row, 100)
		for {
			n, err := in.ReadRows(buffer)
			for _, r := range buffer[:n] {
				var cells []string
				for i, v := range r {
					c := Cell{Missing: v.IsNull()}
					switch {
					case c.Missing:
					case columns[i].Type == Integer:
						c.Integer = v.Int64()
					case columns[i].Type == Number:
						c.Number = v.Double()
					default:
						c.Text = string(v.ByteArray())
					}
					cells = append(cells, number(c))
				}
				rows = append(rows, cells)
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		in.Close()
	}
	return rows
}

// same fails unless a Parquet file has the rows of the table, and equal tables give equal bytes.
func same(t *testing.T, table *Table) {
	t.Helper()
	text := wrote(t, table, "parquet")
	if wrote(t, table, "parquet") != text {
		t.Error("the same table gives other bytes")
	}
	got := readBack(t, text, table.Columns)
	i := 0
	for row := range table.Rows() {
		if i == len(got) {
			t.Fatalf("%d rows are read back, want more", i)
		}
		for j, c := range row {
			if number(c) != got[i][j] {
				t.Fatalf("row %d, %s: got %s, want %+v", i, table.Columns[j].Name, got[i][j], c)
			}
		}
		i++
	}
	if i != len(got) {
		t.Errorf("%d rows are read back, want %d", len(got), i)
	}
}

// TestParquet: a file has the columns and the rows of its table, also none at all, and more than a row group holds.
func TestParquet(t *testing.T) {
	for _, layout := range []func(*record.Set, *Selection) (*Table, error){Long, Wide} {
		same(t, made(t, few(), layout, nil, nil))
		same(t, made(t, few(), layout, nil, []string{"test"}))
		same(t, made(t, &record.Set{}, layout, nil, nil))
	}
	same(t, made(t, few(), Wide, []string{"kl_dim", "mi"}, nil))
	long := make([]float64, 1000)
	for i := range long {
		long[i] = 1 / float64(i)
	}
	var rows []record.Row
	for step := range groupCells/8/len(long) + 2 {
		rows = append(rows, row(step, "train", nil, map[string][]float64{"v": long}))
	}
	many := &record.Set{Runs: []record.Run{run("bn", 1, rows)}}
	same(t, made(t, many, Long, nil, nil))
	same(t, made(t, many, Wide, []string{"v"}, nil))
}

// TestRefused: what cannot be chosen, with the nearest name.
func TestRefused(t *testing.T) {
	for _, c := range []struct{ metric, split, want string }{
		{"kll", "", `unknown metric "kll"; did you mean "kl"? known: iw_nll, kl, mi, kl_dim`},
		{"kl_dm/1", "", `unknown vector "kl_dm"; did you mean "kl_dim"? known: kl_dim`},
		{"kl_dim/x", "", `"kl_dim/x": must be a number of the vector kl_dim, such as kl_dim/0, or a pattern, such as kl_dim/*`},
		{"kl_dim/-1", "", `"kl_dim/-1": must be a number of the vector kl_dim`},
		{"q*", "", `"q*" matches no metric; known: iw_nll, kl, mi, kl_dim`},
		{"kl[", "", `"kl[": not a pattern: a [ needs its ]`},
		{"", "trian", `unknown split "trian"; did you mean "train"? known: train, valid, test`},
	} {
		set := few()
		chosen := All(set)
		var err error
		if c.split != "" {
			err = chosen.Splits(set, []string{"test", c.split})
		} else {
			err = chosen.Metrics([]string{"kl", c.metric}, map[string]bool{"iw_nll": false})
		}
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s%s: got %v, want %s", c.metric, c.split, err, c.want)
		}
	}
	twice := &record.Set{Runs: []record.Run{run("bn", 1, []record.Row{row(1, "train", values{"seed": 1})})}}
	if _, err := Wide(twice, All(twice)); err == nil || !strings.Contains(err.Error(), `two columns of the table would be "seed"`) {
		t.Errorf("a metric with the name of a column: %v", err)
	}
	if _, err := Long(twice, All(twice)); err != nil {
		t.Error(err)
	}
}

// FuzzHard: names, settings and numbers come back from each format as they were.
func FuzzHard(f *testing.F) {
	f.Add("a,b", "\"q\"\n", uint64(1), int64(1))
	f.Add("", "", math.Float64bits(math.Copysign(0, -1)), int64(-1))
	f.Add("µ.ν/0", "\r\n\u202e\x00", math.Float64bits(math.NaN()), int64(math.MaxInt64))
	f.Add("*", "null", math.Float64bits(math.Inf(-1)), int64(math.MinInt64))
	f.Fuzz(func(t *testing.T, name, setting string, bits uint64, step int64) {
		name, setting = strings.ToValidUTF8(name, "?"), strings.ToValidUTF8(setting, "?")
		v := math.Float64frombits(bits)
		if math.IsNaN(v) {
			v = math.NaN()
		}
		rows := []record.Row{row(int(step), cmp.Or(setting, "train"), values{name: v})}
		set := &record.Set{Runs: []record.Run{run("bn", 1, rows, "s="+setting), run("bn", 1, nil, "s=other"+setting)}}
		long := made(t, set, Long, nil, nil)
		same(t, long)
		var cells []Cell
		for row := range long.Rows() {
			cells = slices.Clone(row)
		}
		lines, err := csv.NewReader(strings.NewReader(wrote(t, long, "csv"))).ReadAll()
		plain := strings.NewReplacer("\r\n", "\n") // as Go's reader takes it
		if err != nil || len(lines) != 2 || lines[1][7] != plain.Replace(name) || lines[1][4] != plain.Replace(setting) || lines[1][8] != fmt.Sprint(v) {
			t.Errorf("CSV: %q, %v; want %+v", lines, err, cells)
		}
		var object struct {
			Metric string
			Value  *float64
			S      string
			Step   int64
		}
		finite := !math.IsNaN(v) && !math.IsInf(v, 0)
		text := wrote(t, long, "jsonl")
		if err := json.Unmarshal([]byte(text), &object); err != nil || object.Metric != name || object.S != setting || object.Step != step ||
			finite != (object.Value != nil) || finite && math.Float64bits(*object.Value) != bits {
			t.Errorf("JSON: %s%v", text, err)
		}
		if table, err := Wide(set, All(set)); err == nil { // else the name is that of another column
			same(t, table)
		}
	})
}

// Benchmark writes a million numbers; bytes are those of the file.
func Benchmark(b *testing.B) {
	rows := make([]record.Row, 1000)
	for i := range rows {
		vector := make([]float64, 1000)
		for j := range vector {
			vector[j] = math.Sqrt(float64(i*1000 + j))
		}
		rows[i] = row(i, "train", nil, map[string][]float64{"v": vector})
	}
	set := &record.Set{Runs: []record.Run{run("bn", 1, rows)}}
	for _, format := range Formats {
		b.Run(format, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				table, err := Long(set, All(set))
				if err != nil {
					b.Fatal(err)
				}
				if _, err := table.Write(io.Discard, format); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
