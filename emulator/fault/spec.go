package fault

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Parse reads the form that command lines use: "status=503,probability=0.1". The keys are the fields in snake case;
// reset and applied stand alone; a value with a comma is written as a JSON string.
func Parse(spec string) (Fault, error) {
	var f Fault
	rest := spec
	for rest != "" {
		var key, value string
		cut := strings.IndexAny(rest, "=,")
		if cut < 0 || rest[cut] == ',' {
			key, value, rest = flagOnly(rest, cut)
		} else {
			key = rest[:cut]
			var err error
			if value, rest, err = specValue(rest[cut+1:]); err != nil {
				return Fault{}, fmt.Errorf("fault %q: %s: %w", spec, key, err)
			}
		}
		if err := f.set(strings.TrimSpace(key), value); err != nil {
			return Fault{}, fmt.Errorf("fault %q: %w", spec, err)
		}
	}
	return f, f.Validate()
}

func flagOnly(s string, cut int) (key, value, rest string) {
	if cut < 0 {
		return s, "true", ""
	}
	return s[:cut], "true", s[cut+1:]
}

func specValue(s string) (value, rest string, err error) {
	if strings.HasPrefix(s, `"`) {
		in := json.NewDecoder(strings.NewReader(s))
		if err := in.Decode(&value); err != nil {
			return "", "", fmt.Errorf("not a JSON string: %w", err)
		}
		rest = s[in.InputOffset():]
		if rest != "" && rest[0] != ',' {
			return "", "", errors.New("want a comma after a JSON string")
		}
		return value, strings.TrimPrefix(rest, ","), nil
	}
	value, rest, _ = strings.Cut(s, ",")
	return value, rest, nil
}

// set gives a field its value from text. It is the only place that knows the names of the fields.
func (f *Fault) set(key, value string) (err error) {
	switch key {
	case "name":
		f.Name = value
	case "path":
		f.Path = value
	case "person":
		f.Person = value
	case "shard":
		f.Shard = value
	case "contains":
		f.Contains = value
	case "body":
		f.Body = value
	case "location":
		f.Location = value
	case "retry_after":
		f.RetryAfter = value
	case "hang":
		f.Hang = value
	case "refuse":
		f.Refuse = value
	case "nth":
		f.Nth, err = strconv.Atoi(value)
	case "times":
		f.Times, err = strconv.Atoi(value)
	case "status":
		f.Status, err = strconv.Atoi(value)
	case "item":
		f.Item, err = strconv.Atoi(value)
	case "probability":
		f.Probability, err = strconv.ParseFloat(value, 64)
	case "for":
		f.For, err = time.ParseDuration(value)
	case "latency":
		f.Latency, err = time.ParseDuration(value)
	case "break":
		f.Break, err = strconv.ParseInt(value, 10, 64)
	case "reset":
		f.Reset, err = strconv.ParseBool(value)
	case "applied":
		f.Applied, err = strconv.ParseBool(value)
	default:
		return fmt.Errorf("%q is not a part of a fault", key)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

// UnmarshalJSON reads an object with the keys of Parse, durations being strings such as "30s", or a string as Parse
// reads it.
func (f *Fault) UnmarshalJSON(b []byte) (err error) {
	if b[0] == '"' {
		var spec string
		if err := json.Unmarshal(b, &spec); err != nil {
			return err
		}
		*f, err = Parse(spec)
		return err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return err
	}
	*f = Fault{}
	for key, raw := range members {
		value := string(raw)
		if raw[0] == '"' {
			if err := json.Unmarshal(raw, &value); err != nil {
				return err
			}
		}
		if err := f.set(key, value); err != nil {
			return fmt.Errorf("fault: %w", err)
		}
	}
	return nil
}

// MarshalJSON writes the form that UnmarshalJSON reads, without the fields that are not set.
func (f Fault) MarshalJSON() ([]byte, error) {
	out := map[string]any{}
	for key, value := range map[string]any{
		"name": f.Name, "path": f.Path, "person": f.Person, "shard": f.Shard, "contains": f.Contains, "body": f.Body,
		"location": f.Location, "retry_after": f.RetryAfter, "hang": f.Hang, "refuse": f.Refuse, "nth": f.Nth,
		"times": f.Times, "break": f.Break,
		"status": f.Status, "item": f.Item, "probability": f.Probability, "reset": f.Reset, "applied": f.Applied,
		"for": duration(f.For), "latency": duration(f.Latency),
	} {
		if value != "" && value != 0 && value != int64(0) && value != 0.0 && value != false {
			out[key] = value
		}
	}
	return json.Marshal(out)
}

func duration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}
