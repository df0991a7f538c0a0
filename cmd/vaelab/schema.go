package main

import (
	"github.com/spf13/cobra"

	"vaelab/internal/sweep"
)

func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of experiment files, for editors",
		Long: `Print the JSON Schema (draft 2020-12) of experiment files: keys, types, ranges, choices, defaults and
what they mean. An editor with a YAML language server completes and checks a file whose first lines have

  # yaml-language-server: $schema=vaelab.schema.json

The program itself understands more (names of other programs, settings in other sections), and refuses
more (settings that contradict each other).`,
		Example: "  vaelab schema > vaelab.schema.json",
		Args:    args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := sweep.Schema()
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
}
