// Package record writes the rows of trials to the results folder and reads them back.
// It is the only package that touches the results folder.
//
// # On disk
//
//	<results>/<experiment>/<variant>-<hash8>/seed-<s>/
//	    trial.json     the trial: variant, seed and every resolved setting
//	    manifest.json  the program and the machine: versions, kernel, revision; see Manifest
//	    rows.jsonl     the measurements: one Row per line
//	    DONE | FAILED  the end; the text of FAILED is the reason
//
// During training the rows are in rows.K.jsonl, where K is the claim under which a process writes them; see Numbered and
// package owner. The file is renamed when the trial is done.
//
// DONE is written last. It has a line of size, SHA-256 and name for each file of the trial, by name, and one of the
// same form for the lines above it:
//
//	612 8d5f...e3 manifest.json
//	20480 31c0...7a model.safetensors
//	5310 e7a9...04 rows.jsonl
//	1433 90bb...5c trial.json
//	376 42f1...d8 DONE
//
// Load and Check compare the files with it, and with the folder's name. A file that differs is a Damage. In format 1
// DONE was empty: such trials are read as they are, with one warning for all of them.
//
// An ArchiveFile holds the trials of such folders in one file, for publication.
//
// A row is one JSON object with sorted keys, so that equal rows are equal bytes:
//
//	{"step":20,"epoch":0.1,"split":"train","values":{"kl":1.5,"nll":101.2}}
//
// JSON has no NaN and no infinities; these are written as null and read as NaN.
// The numbers of some vectors stand on axes that rows do not name, such as CollapseEps.
//
// # In memory
//
// Load reads any number of such folders into a Set of Runs, whose rows are Entries: values in memory, vectors where they
// were read from. Groups collects the runs that
// differ only in the seed and finds the shortest labels that distinguish the groups. Series
// and Last select one metric of a group's runs. All are pure functions of the rows. Package table writes a Set as one table.
//
// A trainer writes rows through a Writer, other files through WriteFileAtomic, and DONE through
// WriteDone. A Writer can truncate rows.jsonl to the rows of the last checkpoint, if these are
// unchanged.
package record
