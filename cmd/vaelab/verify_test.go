package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"vaelab/internal/record"
	"vaelab/internal/report"
)

// Claims about the trials of compared, that hold, do not hold, and take six seeds.
const (
	compared = tiny + "grid: [{variant: vanilla}, {variant: {bn: {gamma: 0.5, eps: 1.0e-14}}}]\nseeds: 2\n"

	sure  = "- {say: No KL is negative, source: Gibbs, bound: {metric: kl, of: vanilla, rows: every, at_least: 0}}\n"
	wrong = "- {say: There is no KL, source: nobody, bound: {metric: kl, split: train, of: bn, rows: every, at_most: 0}}\n"
	six   = "- {say: The floor is 0.5, source: Zhu et al., bound: {metric: floor, of: bn, at_least: 0.49, at_most: 0.6}}\n"
	big   = "- {say: bn has more KL, source: Zhu et al., order: {metric: kl, split: train, of: bn, is: greater, than: vanilla}}\n"
	each  = "- {say: No dimension's KL is negative, source: Gibbs, bound: {metric: kl_dim.min, of: bn, at_least: 0}}\n"
	cost  = "- {say: bn costs about as much, source: us, ratio: {metric: cpu_ms_per_step, of: bn, to: vanilla, at_least: 1.0e-3, at_most: 1.0e+3}}\n"
)

// verdictsOf reads verdicts.json.
func verdictsOf(t *testing.T, text string) (experiment string, outcomes []string) {
	t.Helper()
	var file struct {
		Experiment string
		Claims     []struct {
			Verdict, Say, Source string
			N                    int
			Estimate             *float64
		}
	}
	if err := json.Unmarshal([]byte(text), &file); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	for _, c := range file.Claims {
		outcomes = append(outcomes, c.Verdict)
	}
	return file.Experiment, outcomes
}

// TestVerify: the exit code is the worst verdict; the verdicts are on the screen and in the file;
// what is trained is trained once.
func TestVerify(t *testing.T) {
	folder(t, "tiny.yaml", compared+"claims:\n"+sure+six+big, "sure.yaml", compared+"experiment: tiny\nclaims:\n"+sure,
		"wrong.yaml", compared+"experiment: tiny\nclaims:\n"+wrong+six, "more.yaml", compared+"experiment: tiny\nclaims:\n"+each+cost,
		"faulty.yaml", compared+"experiment: tiny\nclaims:\n"+strings.Replace(six, "floor", "flor", 1)+sure+strings.Replace(sure, "bound", "bond", 1)+
			strings.Replace(big, "than: vanilla", "than: vanila", 1)+big,
		"useless.yaml", compared+"experiment: tiny\nclaims:\n"+strings.Replace(six, "floor", "flor", 1))
	for _, c := range []struct {
		args  []string
		code  int
		says  []string // on stdout
		tells []string // on stderr
	}{
		{[]string{"tiny.yaml", "--no-train"}, exitUndecided, []string{"undecided      No KL is negative (Gibbs): no finished trial of vanilla; unfinished: 6\n", "holds: 0, does not hold: 0, undecided: 3\n"}, nil},
		{[]string{"sure.yaml", "-q", "--all"}, exitOK, []string{"holds          No KL is negative (Gibbs): test kl of vanilla in every row, claimed at least 0; ", "undecided: 0\n"}, []string{"4 trials, 0 done, 4 to train"}},
		{[]string{"tiny.yaml", "--no-train"}, exitUndecided, []string{"undecided      [not converged: 2 of 2 trials] The floor is 0.5 (Zhu et al.): test floor of bn, claimed between 0.49 and 0.6; median 0.5 [0.5, 0.5] at 50 %, n=2; too few seeds: 2 reach 50 % at most; 95 % needs 6; left out as unfinished: 4 of its trials\n"}, nil},
		{[]string{"tiny.yaml", "-q"}, exitOK, []string{"holds          [not converged: 6 of 6 trials] The floor is 0.5", "holds          [not converged: 12 of 12 trials] bn has more KL", "p=0.03125 (sign-flip test; Holm 0.03125)", "holds: 3, does not hold: 0, undecided: 0, of these not converged: 2\n"},
			[]string{"12 trials, 4 done, 8 to train"}},
		{[]string{"more.yaml"}, exitOK, []string{"test kl_dim.min of bn, claimed at least 0; median ", "cpu_ms_per_step of bn over that of vanilla, claimed between 0.001 and 1000; median "}, []string{"12 trials, 12 done, 0 to train"}},
		{[]string{"tiny.yaml", "--seeds", "3"}, exitUndecided, []string{"3 reach 75 % at most"}, []string{"6 trials, 6 done, 0 to train"}},
		{[]string{"wrong.yaml", "-q", "--seeds", "2"}, exitRefuted, []string{"does not hold  There is no KL (nobody): train kl of bn in every row, claimed at most 0; ", "undecided      [not converged: 2 of 2 trials] The floor"}, []string{"2 of 4 trials are needed", "2 trials, 2 done, 0 to train"}},
	} {
		r := vaelab(t, append([]string{"verify"}, c.args...)...)
		if r.code != c.code {
			t.Errorf("verify %v: exit code %d, want %d\n%s%s", c.args, r.code, c.code, r.out, r.err)
		}
		has(t, "stdout", r.out, append(c.says, filepath.Join("results", "tiny", report.VerdictsFile)+"\n")...)
		has(t, "stderr", r.err, c.tells...)
		if strings.Contains(r.err, "error") {
			t.Errorf("verify %v: %s", c.args, r.err)
		}
	}

	// A stranger judges what is published: the same lines, without a trial.
	judged := succeeds(t, "verify", "tiny.yaml", "--no-train").out
	succeeds(t, "report", "results/tiny", "--rows", "--unknown-revision", "--out", "published/tiny") // go test stamps none
	again := succeeds(t, "verify", "tiny.yaml", "--no-train", "--out", "published").out
	if want := strings.ReplaceAll(judged, "results", "published"); again != want {
		t.Errorf("from the rows alone:\n%s\nwant\n%s", again, want)
	}
	// Those of other settings are no reason to write over their verdicts.
	kept := read(t, filepath.Join("published", "tiny", report.VerdictsFile))
	other := vaelab(t, "verify", "tiny.yaml", "--no-train", "--out", "published", "--set", "train.lr=0.5")
	if other.code != exitNotJudged || read(t, filepath.Join("published", "tiny", report.VerdictsFile)) != kept {
		t.Errorf("trials of other settings: exit code %d, %s", other.code, other.out)
	}
	has(t, "stderr", other.err, filepath.Join("published", "tiny", record.ArchiveFile)+": no trial matches tiny.yaml")

	r := succeeds(t, "verify", "tiny.yaml", "--json", "--no-train")
	if r.out != read(t, filepath.Join("results", "tiny", report.VerdictsFile)) {
		t.Errorf("--json prints what %s does not hold:\n%s", report.VerdictsFile, r.out)
	}
	if experiment, outcomes := verdictsOf(t, r.out); experiment != "tiny" || strings.Join(outcomes, ", ") != "holds, holds, holds" {
		t.Errorf("%s: %v", experiment, outcomes)
	}
}

// TestVerifyNeeded: trials that no claim selects are counted and not trained, unless --all says so; the verdicts are the same.
func TestVerifyNeeded(t *testing.T) {
	folder(t, "tiny.yaml", tiny+"grid: [{variant: vanilla}, {variant: {bn: {gamma: [0.5, 0.7]}}}, {variant: ln}]\nclaims:\n"+
		"- {say: No KL is negative, source: Gibbs, seeds: [2], bound: {metric: kl, of: vanilla, rows: every, at_least: 0}}\n"+
		"- {say: A larger gamma has more KL, source: us, converged: any, seeds: [1, 3], trend: {metric: kl, split: train, of: bn, over: variant.bn.gamma}}\n")
	some := vaelab(t, "verify", "tiny.yaml", "-q", "--out", "a", "--seeds", "3")
	has(t, "stderr", some.err, "vaelab: note: 5 of 12 trials are needed by the claims; verify --all trains the others, too\n", "5 trials, 0 done, 5 to train\n")
	if n := len(trials(t, "a")); n != 5 || some.code != exitUndecided {
		t.Errorf("%d trials, exit code %d\n%s", n, some.code, some.out)
	}
	all := vaelab(t, "verify", "tiny.yaml", "-q", "--out", "b", "--seeds", "3", "--all")
	has(t, "stderr", all.err, "12 trials, 0 done, 12 to train\n")
	if strings.Contains(all.err, "note:") || len(trials(t, "b")) != 12 || strings.ReplaceAll(all.out, "b/tiny", "a/tiny") != some.out {
		t.Errorf("with --all:\n%s%swithout:\n%s", all.err, all.out, some.out)
	}
	has(t, "stderr", vaelab(t, "verify", "tiny.yaml", "-q", "--out", "b", "--seeds", "3").err, "5 of 12 trials are needed", "5 trials, 5 done, 0 to train")
	if r := vaelab(t, "verify", "tiny.yaml", "--out", "a", "--seeds", "3", "--no-train"); strings.Contains(r.err, "needed") || r.out != some.out {
		t.Errorf("with --no-train:\n%s%s", r.err, r.out)
	}
}

// TestVerifyMistakes: without a verdict the exit code is none of a verdict's.
func TestVerifyMistakes(t *testing.T) {
	folder(t, "tiny.yaml", compared, "file", "", "claims.yaml", compared+"claims:\n"+sure,
		"faults.yaml", compared+"claims:\n"+strings.Replace(sure, "vanilla", "vanila", 1)+strings.Replace(six, "metric", "metrc", 1),
		"metrics.yaml", compared+"claims:\n"+strings.Replace(sure, "kl", "lk", 1)+strings.Replace(six, "bn", "vanilla", 1)+strings.Replace(each, ".min", "", 1)+
			strings.Replace(big, "kl", "mi", 1)+strings.Replace(wrong, "at_most: 0", "at_most: 0, at_least: 1", 1))
	for _, c := range []struct {
		args []string
		says []string
	}{
		{[]string{"verify"}, []string{"usage: vaelab verify EXPERIMENT"}},
		{[]string{"verify", "claims.yaml", "--bogus"}, []string{"unknown flag: --bogus"}},
		{[]string{"verify", "claims.yaml", "-j", "0"}, []string{"-j 0: must be at least 1"}},
		{[]string{"verify", "missing.yaml"}, []string{"missing.yaml: no such file"}},
		{[]string{"verify", "tiny.yaml"}, []string{"tiny.yaml: the file has no claims to judge"}},
		{[]string{"verify", "claims.yaml", "--out", "file"}, []string{"choose another folder with --out"}},
		{[]string{"verify", "claims.yaml", "--no-train", "--out", "file"}, []string{"not a directory"}},
		{[]string{"verify", "metrics.yaml"}, []string{
			`metrics.yaml:9:59: claims.bound.metric: unknown metric "lk"; did you mean "kl"? vaelab list metrics has all`,
			"metrics.yaml:10:63: claims.bound.metric: trials of vanilla have no floor; it needs a method with a floor under the KL",
			"metrics.yaml:11:71: claims.bound.metric: kl_dim is a vector; name one number of it: kl_dim.max, ",
			"metrics.yaml:12:61: claims.order.metric: mi is not measured on split train; it is on valid and test",
			"metrics.yaml:13:48: claims.bound: contradictory bounds: nothing is at least 1 and at most 0"}},
		{[]string{"verify", "faults.yaml"}, []string{`claims.bound.of: unknown variant "vanila"; did you mean "vanilla"?`, `claims.bound: unknown key "metrc"; did you mean "metric"?`}},
	} {
		r := vaelab(t, c.args...)
		if r.code != exitNotJudged {
			t.Errorf("vaelab %s: exit code %d, want %d\n%s", quoted(c.args), r.code, exitNotJudged, r.err)
		}
		has(t, "vaelab "+quoted(c.args), r.err, c.says...)
		if n := strings.Count(r.err, "vaelab: error: "); n != len(c.says) || r.out != "" {
			t.Errorf("vaelab %s: %d errors, want %d:\n%s%s", quoted(c.args), n, len(c.says), r.out, r.err)
		}
	}
	if dirs := trials(t, "."); len(dirs) > 0 {
		t.Errorf("trained before the faults were named: %v", dirs)
	}
}

// TestVerifyFailedTrials: a variant whose trial fails, or was written by another version, is named;
// claims about the other one are judged.
func TestVerifyFailedTrials(t *testing.T) {
	const three = `grid:
  - variant: ln
  - variant: bn
  - {variant: vanilla, train: {lr: 1.0e+30, optimizer: sgd, clip: 0}}
claims:
` + sure + `- {say: ln is there, source: us, bound: {metric: kl, of: ln, rows: every, at_least: 0}}
- {say: bn is there, source: us, bound: {metric: kl, of: bn, rows: every, at_least: 0}}
`
	folder(t, "tiny.yaml", tiny+three)
	r := vaelab(t, "verify", "tiny.yaml", "-q")
	if r.code != exitUndecided {
		t.Errorf("exit code %d\n%s%s", r.code, r.out, r.err)
	}
	has(t, "stderr", r.err, "vaelab: error: results/tiny/vanilla-", "training diverged")
	has(t, "stdout", r.out, "holds          ln is there", "holds          bn is there")
	if !regexp.MustCompile(`(?m)^undecided      No KL is negative \(Gibbs\): failed: vanilla-[0-9a-f]{8}/seed-1: training diverged.*$`).MatchString(r.out) {
		t.Errorf("the failed trial is not named:\n%s", r.out)
	}
	bn, err := filepath.Glob(filepath.Join("results", "tiny", "bn-*", "seed-1", record.TrialFile))
	if err != nil || len(bn) != 1 {
		t.Fatal(bn, err)
	}
	// An older version finished it: DONE has no sums.
	rows, done, now := filepath.Join(filepath.Dir(bn[0]), record.RowsFile), filepath.Join(filepath.Dir(bn[0]), record.DoneFile), read(t, bn[0])
	sums, old := read(t, done), strings.Replace(now, `"format": 2`, `"format": 1`, 1)
	write(t, done, "")
	write(t, bn[0], old)
	r = vaelab(t, "verify", "tiny.yaml", "--no-train")
	has(t, "stdout", r.out, "holds          bn is there")
	has(t, "stderr", r.err, "vaelab: warning: finished trials of an older version, whose files cannot be checked because their DONE has no checksums: 1\n")
	for _, format := range []string{"0", "99"} { // before the oldest, and a newer one
		write(t, bn[0], strings.Replace(now, `"format": 2`, `"format": `+format, 1))
		r = vaelab(t, "verify", "tiny.yaml", "--no-train")
		has(t, "stdout", r.out, "holds          ln is there", "undecided      bn is there (us): damaged: bn-", "trial.json: format "+format+", but this program reads formats 1 to 2; use the version that wrote it")
	}
	write(t, bn[0], old)
	write(t, rows, strings.ReplaceAll(read(t, rows), `"kl":`, `"kl_of_old":`))
	r = vaelab(t, "verify", "tiny.yaml", "--no-train")
	has(t, "stdout", r.out, "holds          ln is there", "undecided      bn is there (us): bn-", "/seed-1: no row of split test has kl; they have aggregate, ")
	write(t, rows, "not a row\n")
	r = vaelab(t, "verify", "tiny.yaml", "--no-train")
	has(t, "stdout", r.out, "holds          ln is there", "undecided      bn is there (us): damaged: bn-", "rows.jsonl: line 1 is no row")
	write(t, bn[0], now)
	write(t, done, sums)
	r = vaelab(t, "verify", "tiny.yaml", "--no-train")
	has(t, "stdout", r.out, "holds          ln is there", "undecided      bn is there (us): damaged: bn-", "rows.jsonl: it has 10 bytes, SHA-256 ")
}

// TestVerifyWithoutData: a stranger who lacks the data of a published experiment judges its rows all the same, but not if
// there are trials beside them, whose data may be others.
func TestVerifyWithoutData(t *testing.T) {
	const asked = "none of train, valid and test is set"
	published := os.DirFS(filepath.Join(root, "results/published/yelp"))
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "published", "yelp"), published); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	kept := read(t, filepath.Join("published/yelp", report.VerdictsFile))
	if r := vaelab(t, "verify", "yelp", "--no-train", "--out", "published", "--json"); r.code != exitRefuted || r.out != kept {
		t.Errorf("exit code %d\n%s%s", r.code, r.out, r.err)
	}
	for what, args := range map[string][]string{
		"to be trained":   {"verify", "yelp", "--out", "published"},
		"another setting": {"verify", "yelp", "--no-train", "--out", "published", "--set", "train.lr=0.5"},
		"nothing there":   {"verify", "yelp", "--no-train", "--out", "elsewhere"},
	} {
		if r := vaelab(t, args...); r.code != exitNotJudged || !strings.Contains(r.err, asked) {
			t.Errorf("%s: exit code %d\n%s", what, r.code, r.err)
		}
	}
	write(t, "mine.txt", "1\ta sentence of mine\n0\tanother one\n")
	mine := []string{"verify", "yelp", "--no-train", "--out", "published"}
	for _, split := range []string{"train", "valid", "test"} {
		mine = append(mine, "--set", "data.text."+split+"=mine.txt")
	}
	if r := vaelab(t, mine...); r.code != exitNotJudged || read(t, filepath.Join("published/yelp", report.VerdictsFile)) != kept {
		t.Errorf("data of one's own: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	if err := os.MkdirAll("published/yelp/bn-00000000/seed-1", 0o777); err != nil {
		t.Fatal(err)
	}
	write(t, "published/yelp/bn-00000000/seed-1/"+record.TrialFile, "{}")
	if r := vaelab(t, "verify", "yelp", "--no-train", "--out", "published"); r.code != exitNotJudged || !strings.Contains(r.err, asked) {
		t.Errorf("beside a trial: exit code %d\n%s", r.code, r.err)
	}
}

// TestVerifyGoesOn: trials of an archive are not trained again, those that it lacks are, and both are judged and published.
func TestVerifyGoesOn(t *testing.T) {
	const two = "grid:\n  - variant: vanilla\nclaims:\n" + sure
	folder(t, "tiny.yaml", tiny+two)
	if r := vaelab(t, "run", "tiny.yaml", "-q", "--seeds", "1,2,3"); r.code != 0 {
		t.Fatal(r.err)
	}
	publish := func(from, to string) {
		t.Helper()
		if r := vaelab(t, "report", from, "--out", to, "--rows", "--unknown-revision", "--figure", "kl-curve"); r.code != 0 {
			t.Fatal(r.err)
		}
	}
	publish("results/tiny", "part/tiny")
	r := vaelab(t, "verify", "tiny.yaml", "-q", "--seeds", "6", "--out", "part")
	if r.code != 0 {
		t.Errorf("exit code %d\n%s", r.code, r.err)
	}
	has(t, "stderr", r.err, "3 of 6 trials are in "+record.ArchiveFile+" and are not trained again", "3 trials, 0 done, 3 to train")
	has(t, "stdout", r.out, "holds          No KL is negative", "n=6")
	publish("part/tiny", "whole/tiny")
	r = vaelab(t, "verify", "tiny.yaml", "-q", "--seeds", "6", "--out", "whole")
	has(t, "stderr", r.err, "6 of 6 trials are in "+record.ArchiveFile)
	if strings.Contains(r.err, "to train") {
		t.Errorf("all trials are published, but: %s", r.err)
	}
}

// TestVerifyWithoutTrials: a claim about seeds, or a setting, that flags have taken away is undecided and
// says what there is; the others are judged.
func TestVerifyWithoutTrials(t *testing.T) {
	const two = "grid:\n  - variant: vanilla\n  - variant: {bn: {gamma: [0.5, 0.7]}}\nclaims:\n" + sure + `- {say: Seed 70 does it, source: us, seeds: [70], bound: {metric: kl, of: vanilla, rows: every, at_least: 0}}
- {say: Gamma helps, source: us, bound: {metric: kl, of: {variant: bn, variant.bn.gamma: 0.7}, rows: every, at_least: 0}}
`
	folder(t, "tiny.yaml", tiny+two)
	r := vaelab(t, "verify", "tiny.yaml", "-q", "--seeds", "2", "--set", "variant.bn.gamma=0.6")
	if r.code != exitUndecided {
		t.Errorf("exit code %d\n%s%s", r.code, r.out, r.err)
	}
	has(t, "stdout", r.out, "holds          No KL is negative", "undecided      Seed 70 does it (us): no trial has seed 70; there are 1, 2\n",
		"undecided      Gamma helps (us): no trial of the selection has variant.bn.gamma 0.7; there are 0.6\n")
	if r = vaelab(t, "verify", "tiny.yaml", "-q", "--no-train"); r.code != exitUndecided {
		t.Errorf("exit code %d\n%s%s", r.code, r.out, r.err)
	}
	has(t, "stdout", r.out, "undecided      Seed 70 does it (us): no finished trial of vanilla; unfinished: 1\n")
}

// TestVerifyConfound: a claim that is confounded is named before the training, and undecided; run
// names what its table must not be read across. Declared, it is judged.
func TestVerifyConfound(t *testing.T) {
	const grid = "grid:\n  - variant: vanilla\n  - {variant: {bn: {gamma: 0.5, eps: 1.0e-14}}, train: {lr: 0.002}}\nseeds: 6\nclaims:\n"
	folder(t, "tiny.yaml", tiny+grid+big, "declared.yaml", tiny+"experiment: tiny\n"+grid+strings.Replace(big, "order", "despite: [train.lr], converged: any, order", 1))
	r := vaelab(t, "verify", "tiny.yaml", "-q")
	if r.code != exitUndecided {
		t.Errorf("exit code %d\n%s", r.code, r.err)
	}
	const why = "confounded: the trials also differ in train.lr (0.002 and 0.001)"
	has(t, "stderr", r.err, `vaelab: warning: "bn has more KL" will be undecided: `+why)
	has(t, "stdout", r.out, "undecided      bn has more KL (Zhu et al.): "+why)
	has(t, "table", succeeds(t, "run", "tiny.yaml", "-q").out, "note: vanilla lr=0.001 and bn lr=0.002 differ in train.lr (0.001 and 0.002), too")
	has(t, "stdout", succeeds(t, "verify", "declared.yaml", "--no-train").out, "holds          bn has more KL")
	if _, err := os.Stat(filepath.Join("results", "tiny", report.VerdictsFile)); err != nil {
		t.Error(err)
	}
}
