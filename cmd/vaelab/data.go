package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"vaelab/experiments"
	"vaelab/internal/data"
	"vaelab/internal/fetch"
)

// published is the flags and arguments of the commands below data.
type published struct {
	all fetch.Catalogue
	dir string // --dir
}

func dataCommand(all fetch.Catalogue) *cobra.Command {
	p := &published{all: all}
	cmd := &cobra.Command{
		Use:   "data",
		Short: "Download published data sets, verify them, and look at data",
		Long: `Download the data sets of the papers, and look at the examples that a model would read.

vaelab verifies the published hash of a download before renaming it to its final name. If an
address no longer works, a copy of the file from elsewhere will do (vaelab data import). The
files are in the user's cache folder, one folder per data set, or below --dir, or below the folder
that the variable VAELAB_DATA names.

The built-in sources need no download (vaelab list data), and neither does your own text.`,
		Example: `  vaelab data list
  vaelab data fetch ptb
  vaelab data show ptb`,
		Args: commandsOnly,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(&p.dir, "dir", "", "`folder` of the data sets; by default that of "+dataVariable+", else in the user's cache folder")
	cmd.AddCommand(p.listCommand(), p.fetchCommand(), p.verifyCommand(), p.importCommand(), p.showCommand(), p.exportCommand())
	return cmd
}

// store is where the data sets lie.
func (p *published) store() (fetch.Store, error) {
	folder, err := p.dir, error(nil)
	if folder == "" {
		folder, err = dataFolder()
	}
	if err != nil {
		return fetch.Store{}, err
	}
	if folder != "" {
		dir, err := filepath.Abs(folder) // settings that name it hold from any folder
		return fetch.Store{Dir: dir}, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return fetch.Store{}, fmt.Errorf("there is no cache folder for data: %w; choose a folder with --dir", err)
	}
	return fetch.Store{Dir: filepath.Join(cache, "vaelab", "data")}, nil
}

// choose finds the data set of a name, and the store.
func (p *published) choose(name string) (fetch.Dataset, fetch.Store, error) {
	d, err := p.all.Get(name)
	if err != nil {
		return d, fetch.Store{}, usageError{fmt.Errorf("%w; vaelab data list describes them", err)}
	}
	s, err := p.store()
	return d, s, err
}

// command is a command below data, with the same folder, for a shell to read.
func (p *published) command(words ...string) string {
	words = append([]string{"vaelab", "data"}, words...)
	if p.dir != "" {
		words = append(words, "--dir", p.dir)
	}
	return quoted(words)
}

// names completes the first argument.
func (p *published) names(_ *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(given) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return p.all.Names(), cobra.ShellCompDirectiveNoFileComp
}

// readable completes the name of what data show and data export read.
func (p *published) readable(_ *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(given) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	all := slices.Concat(experiments.Names(), data.Sources.Names(), p.all.Names())
	slices.Sort(all)
	return slices.Compact(all), cobra.ShellCompDirectiveDefault
}

func (p *published) listCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list [NAME]",
		Short: "List the built-in and the published data sets, or describe one",
		Long: `List the built-in data sets, and the published ones with size and licence, and whether they are on
this machine. With a NAME also print the citation, the files with their hashes and addresses, and
the settings that use them; for a built-in data set print its settings.`,
		Example:           "  vaelab data list\n  vaelab data list omniglot",
		Args:              args(cobra.MaximumNArgs(1)),
		ValidArgsFunction: p.names,
		RunE: func(cmd *cobra.Command, given []string) error {
			w := cmd.OutOrStdout()
			if len(given) == 1 && slices.Contains(builtIn(), given[0]) {
				return explain(w, given[0])
			}
			if len(given) == 1 {
				d, s, err := p.choose(given[0])
				if err != nil {
					return err
				}
				describe(w, d, s)
				return nil
			}
			s, err := p.store()
			if err != nil {
				return err
			}
			t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "name\twhat\tsize\tfetched\tlicence")
			for _, d := range p.all {
				size := "–"
				if n, known := d.Size(); known {
					size = megabytes(n)
				}
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", d.Name, d.Title, size, fetched(d, s), d.Licence)
			}
			for _, name := range builtIn() {
				kind, _ := data.Sources.Get(name)
				what, licence := kind.(data.BuiltIn).About()
				fmt.Fprintf(t, "%s\t%s\t–\tbuilt in\t%s\n", name, what, licence)
			}
			return t.Flush()
		},
	}
}

// builtIn are the names of the sources that need no file.
func builtIn() []string {
	return slices.DeleteFunc(data.Sources.Names(), func(name string) bool {
		kind, err := data.Sources.Get(name)
		_, ok := kind.(data.BuiltIn)
		return err != nil || !ok
	})
}

// fetched is "yes", "no" or "2 of 3".
func fetched(d fetch.Dataset, s fetch.Store) string {
	switch have := len(d.Files) - len(s.Missing(d)); have {
	case 0:
		return "no"
	case len(d.Files):
		return "yes"
	default:
		return fmt.Sprintf("%d of %d", have, len(d.Files))
	}
}

// describe prints all that is known of a data set.
func describe(w io.Writer, d fetch.Dataset, s fetch.Store) {
	fmt.Fprintf(w, "%s: %s\n  licence: %s\n  cite: %s\n  folder: %s\n  fetched: %s\n",
		d.Name, d.Title, d.Licence, d.Citation, s.Folder(d), fetched(d, s))
	for _, f := range d.Files {
		fmt.Fprintf(w, "  %s", f.Name)
		if f.Size > 0 {
			fmt.Fprintf(w, ", %d bytes", f.Size)
		}
		fmt.Fprintln(w)
		for _, hash := range []struct{ what, hex string }{{"sha256", f.SHA256}, {"sha256 unpacked", f.Unpacked}, {"git blob id", f.Blob}} {
			if hash.hex != "" {
				fmt.Fprintf(w, "    %s %s\n", hash.what, hash.hex)
			}
		}
		for _, address := range f.URLs {
			fmt.Fprintf(w, "    %s\n", address)
		}
	}
	howToUse(w, d, s)
}

// howToUse prints a command that trains on a data set, and its note.
func howToUse(w io.Writer, d fetch.Dataset, s fetch.Store) {
	if len(d.Settings) > 0 {
		fmt.Fprintf(w, "  to train on it:\n    vaelab run ")
		if d.Experiment != "" {
			fmt.Fprint(w, d.Experiment)
		} else {
			fmt.Fprintf(w, "my.yaml --set data=%s", d.Source())
		}
		for _, set := range d.Apply(s.Folder(d)) {
			fmt.Fprintf(w, " \\\n      --set %s", quoted([]string{set}))
		}
		fmt.Fprintln(w)
	}
	if d.Note != "" {
		fmt.Fprintf(w, "  %s\n", strings.ReplaceAll(d.Note, "\n", "\n  "))
	}
}

func (p *published) verifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "verify [NAME...]",
		Short: "Verify the hashes of downloaded data sets",
		Long: `Read the files of data sets again, verify their hashes, and compare unpacked folders with
their archives. Without a NAME verify all data sets that have a file on this machine. The exit
code is 1 if a file is missing or wrong; vaelab data fetch NAME downloads it again.`,
		Example:           "  vaelab data verify\n  vaelab data verify ptb",
		ValidArgsFunction: p.names,
		RunE: func(cmd *cobra.Command, given []string) error {
			s, err := p.store()
			if err != nil {
				return err
			}
			if len(given) == 0 {
				for _, d := range p.all {
					if len(s.Missing(d)) < len(d.Files) {
						given = append(given, d.Name)
					}
				}
			}
			if len(given) == 0 {
				fmt.Fprintf(cmd.OutOrStdout(), "nothing has been fetched into %s\n", s.Dir)
			}
			var faults []error
			for _, name := range given {
				d, _, err := p.choose(name)
				if err != nil {
					return err
				}
				if err := s.Verify(d); err != nil {
					faults = append(faults, fmt.Errorf("%w\n%s: to download it again: %s", err, d.Name, p.command("fetch", d.Name)))
					continue
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: %s as published\n", d.Name, count(len(d.Files), "file"))
			}
			return errors.Join(faults...)
		},
	}
}

func (p *published) importCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "import NAME FILE...",
		Short: "Add files of a data set that you downloaded yourself",
		Long: `Copy files into the folder of a data set and unpack archives. A file is accepted if its hash is
that of a file of the data set, whatever its name. Use this for files that vaelab data fetch
cannot download: from a colleague, a browser or another machine.`,
		Example:           "  vaelab data import ptb ~/Downloads/ptb.*.txt",
		Args:              args(cobra.MinimumNArgs(2)),
		ValidArgsFunction: p.names,
		RunE: func(cmd *cobra.Command, given []string) error {
			w := cmd.OutOrStdout()
			d, s, err := p.choose(given[0])
			if err != nil {
				return err
			}
			names, err := s.Import(d, given[1:])
			for i, name := range names {
				fmt.Fprintf(w, "%s: %s is %s\n", d.Name, given[1+i], name)
			}
			if err != nil {
				return err
			}
			if missing := s.Missing(d); len(missing) > 0 {
				for _, f := range missing {
					fmt.Fprintf(w, "%s: still missing: %s\n", d.Name, f.Name)
				}
				return nil
			}
			fmt.Fprintf(w, "%s: complete, in %s\n", d.Name, s.Folder(d))
			howToUse(w, d, s)
			return nil
		},
	}
}

// megabytes is a size for people: "5.1 MB", "28.9 kB".
func megabytes(n int64) string {
	if n < 1e6 {
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
