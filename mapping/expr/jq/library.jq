# The functions that gojq itself defines in jq, as far as they work on values at once: written so that each such step is paid for.
# A definition stands behind those that it uses.

def _assign(p; $x): __changes as $c | reduce path(p) as $q (.; __set($c; $q; $x));
def _modify(p; f):
  __changes as $c |
  reduce path(p) as $q (.; label $out | (__set($c; $q; __get($c; $q) | f) | ., break $out), __without($c; $q)) |
  __removed($c) as $gone | delpaths($gone);

def add(f): [f] | add;
def nth($n): .[$n];
def map_values(f): .[] |= f;
def recurse: recurse(.[]?);
def walk(f): def w: if type == "array" then map(w) elif type == "object" then map_values(w) end | f; w;
def combinations: if length == 0 then [] else .[0][] as $x | [$x] + (.[1:] | combinations) end;
def combinations(n): [limit(n; repeat(.))] | combinations;

def min_by(f): _min_by(map([f]));
def max_by(f): _max_by(map([f]));
def sort_by(f): _sort_by(map([f]));
def group_by(f): _group_by(map([f]));
def unique_by(f): _unique_by(map([f]));

def del(f): delpaths([path(f)]);
def paths: path(..) | select(length > 0);
def paths(f): path(.. | select(f)) | select(length > 0);
def pick(f): . as $v | reduce path(f) as $p (null; setpath($p; $v | getpath($p)));
def truncate_stream(f): . as $n | null | f | if .[0] | length > $n then .[0] |= .[$n:] else empty end;
def fromstream(f):
  foreach f as $pv (null;
    if .e then null end |
    $pv as [$p, $v] |
    if $pv | length == 2
    then setpath(["v"] + $p; $v) | setpath(["e"]; $p | length == 0)
    else setpath(["e"]; $p | length == 1) end;
    if .e then .v else empty end);
def tostream: path(def r: (.[]? | r), .; r) as $p | getpath($p) | reduce path(.[]?) as $q ([$p, .]; [$p + $q]);

def test($re; $flags): __test($re; $flags);
def test($re): test($re; null);
def match($re; $flags): __match($re; $flags);
def match($re): match($re; null);
def capture($re; $flags): __capture($re; $flags);
def capture($re): capture($re; null);
def scan($re; $flags): __scan($re; $flags + "g");
def scan($re): scan($re; null);
def splits($re; $flags): __splits($re; $flags + "g");
def splits($re): splits($re; null);
def split($re; $flags): [splits($re; $flags)];
def sub($re; str; $flags):
  __replacement as $r | reduce (__replaced($r; $re; $flags) | str) as $s (.; __put($r; $s)) | __texts($r);
def sub($re; str): sub($re; str; null);
def gsub($re; str; $flags): sub($re; str; $flags + "g");
def gsub($re; str): gsub($re; str; null);

def INDEX(stream; f): __changes as $c | reduce stream as $row ({}; reduce ($row | f | tostring) as $k (.; __set($c; [$k]; $row)));
def INDEX(f): INDEX(.[]; f);
def JOIN($idx; f): [.[] | [., $idx[f]]];
def JOIN($idx; stream; f): stream | [., $idx[f]];
def JOIN($idx; stream; f; join_expr): stream | [., $idx[f]] | join_expr;
def IN(s): any(s == .; .);
def IN(src; s): any(src == s; .);
