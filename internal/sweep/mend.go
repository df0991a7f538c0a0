package sweep

import (
	"path/filepath"

	"vaelab/internal/record"
	"vaelab/internal/train"
)

// vocabularies is the folder in which the trials of the job's experiment share their vocabularies.
func (j Job) vocabularies() string { return filepath.Join(filepath.Dir(filepath.Dir(j.Dir)), ".vocab") }

// mend writes the vocabulary of a finished trial again if it is all that is damaged, and tells whether it was. The file is
// shared: without this, one broken byte would have all trials of an experiment trained again.
func (j Job) mend() (bool, error) {
	for _, err := range j.Damage {
		if err.(*record.Damage).File != train.VocabFile {
			return false, nil
		}
	}
	if len(j.Damage) == 0 || j.Set.Vocab == nil {
		return false, nil
	}
	return train.MendVocab(j.Dir, j.Set.Vocab, j.vocabularies())
}
