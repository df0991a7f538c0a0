// Package record writes the rows of trials to the results folder and reads them back.
// It is the only package that touches the results folder.
//
// # On disk
//
//	<results>/<experiment>/<variant>-<hash8>/seed-<s>/
//	    trial.json     which trial this is: variant, seed and every resolved setting
//	    manifest.json  where it ran: versions, kernel, git; see Manifest
//	    rows.jsonl     what was measured: one Row a line, appended as training goes
//	    DONE | FAILED  how it ended; the text of FAILED is the reason
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
// JSON has no NaN and no infinities; the three are written as null and read as NaN.
//
// # In memory
//
// Load reads any number of such folders into a Set of Runs. Groups puts together the runs
// that differ in the seed only and finds the shortest label that tells the groups apart;
// Series and Last project a group's runs on one metric; ExportCSV writes all of it as one
// table. All are pure functions: nothing here trains, draws or judges.
//
// A trainer writes through a Writer, which can cut the file back to the rows it had at the
// last checkpoint, if they are the same, through WriteFileAtomic, and at the end through WriteDone.
package record
