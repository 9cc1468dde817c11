package manual

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ciobridge/ciobridge/internal/exit"
)

// page is the manual page of a command in the man macros of roff.
func page(cmd *cobra.Command, version string) string {
	var b strings.Builder
	name := pageName(cmd)
	cmd.InitDefaultHelpFlag() // cobra adds these two when a command is run
	cmd.InitDefaultVersionFlag()
	fmt.Fprintf(&b, ".TH \"%s\" 1 \"\" \"%s\" \"ciobridge\"\n", escape(strings.ToUpper(name)),
		escape("ciobridge "+version))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", escape(name), escape(cmd.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", escape(cmd.UseLine()))
	if subs := shown(cmd); len(subs) > 0 {
		fmt.Fprintf(&b, ".br\n.B %s\n.I COMMAND\n[flags]\n", escape(cmd.CommandPath()))
	}
	b.WriteString(".SH DESCRIPTION\n")
	writeText(&b, describe(cmd))
	if len(cmd.Aliases) > 0 {
		writeText(&b, "\nAlso: "+strings.Join(cmd.Aliases, ", ")+".")
	}
	if subs := shown(cmd); len(subs) > 0 {
		b.WriteString(".SH COMMANDS\n")
		for _, sub := range subs {
			fmt.Fprintf(&b, ".TP\n.BR %s (1)\n%s\n", escape(pageName(sub)), escape(sub.Short))
		}
	}
	writeFlags(&b, "OPTIONS", cmd.NonInheritedFlags())
	writeFlags(&b, "OPTIONS OF ALL COMMANDS", cmd.InheritedFlags())
	if cmd.Example != "" {
		fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s\n.fi\n", literal(cmd.Example))
	}
	writeExits(&b)
	writeRelated(&b, cmd)
	return b.String()
}

func describe(cmd *cobra.Command) string {
	if cmd.Long != "" {
		return cmd.Long
	}
	return cmd.Short + "."
}

// writeText writes paragraphs, and as they stand those lines that are indented.
func writeText(b *strings.Builder, text string) {
	asIs := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if indented := strings.HasPrefix(line, "  "); line != "" && indented != asIs {
			asIs = indented
			b.WriteString(map[bool]string{true: ".nf\n", false: ".fi\n"}[asIs])
		}
		if line == "" {
			b.WriteString(".PP\n")
			continue
		}
		b.WriteString(escape(line) + "\n")
	}
	if asIs {
		b.WriteString(".fi\n")
	}
}

func writeFlags(b *strings.Builder, title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Deprecated != "" {
			return
		}
		b.WriteString(".TP\n")
		if f.Shorthand != "" && f.ShorthandDeprecated == "" {
			fmt.Fprintf(b, "\\fB%s\\fR, ", escape("-"+f.Shorthand))
		}
		kind, usage := pflag.UnquoteUsage(f)
		fmt.Fprintf(b, "\\fB%s\\fR", escape("--"+f.Name))
		if kind != "" {
			fmt.Fprintf(b, " \\fI%s\\fR", escape(kind))
		}
		fmt.Fprintf(b, "\n%s\n", escape(usage+byDefault(f)))
	})
}

// byDefault tells the value of a flag that is not given, where it is more than nothing.
func byDefault(f *pflag.Flag) string {
	switch f.DefValue {
	case "", "0", "0s", "false", "[]":
		return ""
	}
	return fmt.Sprintf(" (default %s)", f.DefValue)
}

func writeExits(b *strings.Builder) {
	b.WriteString(".SH EXIT STATUS\n")
	for _, e := range []struct {
		code int
		what string
	}{
		{exit.OK, "success"},
		{exit.Failure, "a failure that has no code of its own"},
		{exit.Input, "bad flags, configuration, rules or data"},
		{exit.Credentials, "Customer.io refuses the credentials"},
		{exit.Broker, "Kafka or NATS cannot be used as configured"},
		{exit.CustomerIO, "Customer.io cannot be used"},
		{exit.Differences, "a check or a test found differences"},
	} {
		fmt.Fprintf(b, ".TP\n.B %d\n%s\n", e.code, e.what)
	}
}

// writeRelated names the pages beside and above a command; those below it stand among its commands.
func writeRelated(b *strings.Builder, cmd *cobra.Command) {
	if !cmd.HasParent() {
		return
	}
	b.WriteString(".SH SEE ALSO\n")
	fmt.Fprintf(b, ".BR %s (1)", escape(pageName(cmd.Parent())))
	for _, sub := range shown(cmd.Parent()) {
		if sub != cmd {
			fmt.Fprintf(b, ",\n.BR %s (1)", escape(pageName(sub)))
		}
	}
	b.WriteString("\n")
}

var special = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, `"`, `\(dq`)

// escape writes text of one line so that roff shows it as it is, wherever it stands.
func escape(text string) string {
	text = special.Replace(text)
	if strings.HasPrefix(text, ".") {
		text = `\&` + text
	}
	return text
}

// literal escapes lines that are shown one by one.
func literal(text string) string {
	lines := strings.Split(strings.Trim(text, "\n"), "\n")
	for i, line := range lines {
		lines[i] = escape(line)
	}
	return strings.Join(lines, "\n")
}
