package options

import "nats-server/internal/keys"

// Shown returns the settings of complete options as anybody may see them, without
// secrets.
func (o *Options) Shown() []keys.Shown {
	var none Options
	defaults, err := none.Complete()
	if err != nil {
		panic(err) // the defaults contradict each other
	}
	return keys.Show(o.Keys().Settings(nil), defaults.Keys().Settings(nil))
}
