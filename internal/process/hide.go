package process

import (
	"strings"

	"nats-server/internal/cmdline"
)

// HideSecrets replaces passwords and tokens in args, which is os.Args, and where the
// system allows it also in what other users see of the process. It returns the
// arguments as they were, without the program's name.
func HideSecrets(args []string) []string {
	if len(args) == 0 {
		return nil
	}
	plain := make([]string, len(args)-1)
	for i, a := range args[1:] {
		plain[i] = strings.Clone(a) // the original may be overwritten
	}
	// From the back, so that what has been replaced does not move the rest.
	spans := cmdline.Secrets(plain)
	for i := len(spans) - 1; i >= 0; i-- {
		s := spans[i]
		p := &args[1+s.Arg]
		overwrite((*p)[s.From:s.To])
		*p = (*p)[:s.From] + "[REDACTED]" + (*p)[s.To:]
	}
	return plain
}
