package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// TestScript runs the scripts in testdata/script, each of which is what somebody types, and what the program answers.
// Those whose names begin with "waits_" hardly do anything else. Beside the usual commands of testscript they have
// those below, and the condition "long".
func TestScript(t *testing.T) {
	t.Parallel()
	t.Cleanup(func() { eachIsMet(t) })
	deadline, _ := t.Deadline()
	testscript.RunT(searched{t}, testscript.Params{
		Deadline:            deadline,
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("CIOBRIDGE_UPDATE_SCRIPTS") == "1",
		Setup: func(env *testscript.Env) error {
			if !strings.Contains(filepath.Base(env.WorkDir), "waits_") {
				takePlace(env.Defer)
			}
			example, err := filepath.Abs("../../config")
			env.Setenv("EXAMPLE", example)
			env.Setenv("GORACE", "atexit_sleep_ms=10") // instead of a second at the end of every program
			env.Setenv("GOGC", "400")                  // what programs hold here is small
			return err
		},
		Condition: func(name string) (bool, error) {
			if name != "long" {
				return false, fmt.Errorf("there is no condition %q", name)
			}
			return longtest.On(), nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"code":          scriptCode,
			"port":          scriptPort,
			"customerio":    scriptCustomerIO,
			"kafka":         scriptKafka,
			"await":         scriptAwait,
			"field":         scriptField,
			"envfile":       scriptEnvFile,
			"post":          scriptPost,
			"deleterecords": scriptDeleteRecords,
			"records":       scriptRecords,
			"webserver":     scriptWebServer,
			"windows":       scriptWindows,
		},
	})
}

// code N program args... runs a program, which must end with that exit code.
func scriptCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N program args...")
	}
	got := 0
	err := ts.Exec(args[1], args[2:]...)
	var exited *exec.ExitError
	if errors.As(err, &exited) {
		got = exited.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d, want %s\nstdout:\n%s\nstderr:\n%s", got, args[0], ts.ReadFile("stdout"),
			ts.ReadFile("stderr"))
	}
}

// windows FROM TO copies a file as editors on Windows write it: with a byte order mark, and carriage returns.
func scriptWindows(ts *testscript.TestScript, _ bool, args []string) {
	text := "\uFEFF" + strings.ReplaceAll(ts.ReadFile(args[0]), "\n", "\r\n")
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}

// port NAME... sets NAME to an address that is free, and NAME_PORT to its port.
func scriptPort(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		defer l.Close() // when all have one: two would have the same else
		ts.Setenv(name, l.Addr().String())
		ts.Setenv(name+"_PORT", strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	}
}

// customerio starts an emulator, sets CIO to its address, and writes its credentials to the files site_id, api_key and
// app_key.
func scriptCustomerIO(ts *testscript.TestScript, _ bool, _ []string) {
	server := httptest.NewServer(emulator.New(emulator.Options{Region: "eu", SiteID: canarySiteID,
		APIKey: canaryAPIKey, AppKey: canaryAppKey}))
	ts.Defer(server.Close)
	ts.Setenv("CIO", server.URL)
	for name, text := range map[string]string{"site_id": canarySiteID, "api_key": canaryAPIKey,
		"app_key": canaryAppKey} {
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

// kafka topic... starts a Kafka with topics of two partitions and sets KAFKA to its address.
func scriptKafka(ts *testscript.TestScript, _ bool, args []string) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, args...))
	ts.Check(err)
	ts.Defer(cluster.Close)
	ts.Setenv("KAFKA", cluster.ListenAddrs()[0])
}

// await pattern url asks again and again until the answer matches, and prints it.
func scriptAwait(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await pattern url")
	}
	pattern := regexp.MustCompile("(?m)" + args[0])
	last := ""
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if last = fetched(args[1]); pattern.MatchString(last) {
			fmt.Fprint(ts.Stdout(), last)
			return
		}
	}
	ts.Fatalf("%s never matched %s; it was last\n%s", args[1], args[0], last)
}

func fetched(url string) string {
	res, err := http.Get(url)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

// field NAME key sets a variable to a member of the JSON object that is the first line of the last output.
func scriptField(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: field NAME key")
	}
	var object map[string]any
	line, _, _ := strings.Cut(ts.ReadFile("stdout"), "\n")
	ts.Check(json.Unmarshal([]byte(line), &object))
	value, ok := object[args[1]]
	if !ok {
		ts.Fatalf("no %q in %s", args[1], line)
	}
	ts.Setenv(args[0], fmt.Sprint(value))
}

// envfile file... replaces $NAME in files with the variables' values.
func scriptEnvFile(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		text := os.Expand(ts.ReadFile(name), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

// post user:password url body makes a request and prints its status.
func scriptPost(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: post user:password url body")
	}
	req, err := http.NewRequest(http.MethodPost, args[1], strings.NewReader(args[2]))
	ts.Check(err)
	user, password, _ := strings.Cut(args[0], ":")
	req.SetBasicAuth(user, password)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	ts.Check(err)
	ts.Check(res.Body.Close())
	fmt.Fprintln(ts.Stdout(), res.StatusCode)
}

// deleterecords topic partition offset deletes the records before the offset.
func scriptDeleteRecords(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: deleterecords topic partition offset")
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(ts.Getenv("KAFKA")))
	ts.Check(err)
	defer client.Close()
	partition, err := strconv.Atoi(args[1])
	ts.Check(err)
	offset, err := strconv.Atoi(args[2])
	ts.Check(err)
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.Topics = []kmsg.DeleteRecordsRequestTopic{{
		Topic: args[0], Partitions: []kmsg.DeleteRecordsRequestTopicPartition{{Partition: int32(partition),
			Offset: int64(offset)}},
	}}
	res, err := req.RequestWith(context.Background(), client)
	ts.Check(err)
	ts.Check(kerr.ErrorForCode(res.Topics[0].Partitions[0].ErrorCode))
}

// records topic N waits for N records of a topic and prints the key and the value of each: null, or the value in
// quotes.
func scriptRecords(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: records topic N")
	}
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	client, err := kgo.NewClient(kgo.SeedBrokers(ts.Getenv("KAFKA")), kgo.ConsumeTopics(args[0]))
	ts.Check(err)
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for seen := 0; seen < want; {
		fetches := client.PollFetches(ctx)
		ts.Check(fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			seen++
			value := "null"
			if r.Value != nil {
				value = strconv.Quote(string(r.Value))
			}
			fmt.Fprintf(ts.Stdout(), "%s %s\n", r.Key, value)
		})
	}
}

// webserver starts a server that knows no path, and sets SHOP to its address.
func scriptWebServer(ts *testscript.TestScript, _ bool, _ []string) {
	server := httptest.NewServer(http.NotFoundHandler())
	ts.Defer(server.Close)
	ts.Setenv("SHOP", strings.TrimPrefix(server.URL, "http://"))
}
