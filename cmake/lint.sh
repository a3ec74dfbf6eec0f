# The lint of `./dev check`, sourced by dev.
#
# clang-tidy spends its time on headers, little on the source itself. So sources that are compiled
# alike are linted together, as one unit that includes them. A source is linted again only when its
# text, a header that it includes, its flags or the rules have changed since it passed:
# build/lint/passed/SOURCE holds a fingerprint of these.

lint=$root/build/lint
unit_max=10     # sources of a unit: more save little and take more memory
changed_max=40  # sources linted for a change: about a minute of two cores

# check_lint [CHANGED]: lints all sources, or those that the newest commits touch.
check_lint() {
  list_sources
  if [[ $1 ]]; then
    sources_of_change | lint_sources
  else
    cut -f 1 "$lint/sources" | lint_sources
  fi
}

# Writes build/lint/sources: "SOURCE<TAB>COMMAND<TAB>FINGERPRINT" for each source of the dev build.
list_sources() {
  mkdir -p "$lint"
  inclusions >"$lint/inclusions"
  sources | xargs cksum >"$lint/sums"
  compile_commands | awk -v rules="$({ clang-tidy --version && cat .clang-tidy; } | cksum)" '
    FILENAME ~ /sums$/ { sum[$3] = $1 "/" $2; next }
    FILENAME ~ /inclusions$/ { includes[$1] = $0; next }
    {
      printf "%s\t%s", $0, rules
      n = split(includes[$1], file, " ")
      for (i = 1; i <= n; ++i) printf " %s", sum[file[i]]
      print ""
    }' "$lint/sums" "$lint/inclusions" - >"$lint/sources"
}

# "SOURCE<TAB>COMMAND" for each source that is not generated, be it compiled alone or in a generated
# unit that includes it. The command ends before its file names, and lacks what only GCC knows: its
# precompiled header and its --param.
compile_commands() {
  sed -n '
    /^ *"command": "/ {
      s///; s/ -o .* -c .*//; s/ -Winvalid-pch -include [^ ]*//; s/ --param=[^ ]*//g; h
    }
    /^ *"file": "/ { s///; s/".*//; G; s/\n/\t/; p; }
  ' build/dev/compile_commands.json | awk -F '\t' -v root="$root/" '
    function tell(source) {
      if (index(source, root) == 1 && index(source, root "build/") != 1)
        printf "%s\t%s\n", substr(source, length(root) + 1), $2
    }
    { tell($1) }
    index($1, root "build/") == 1 {
      while ((getline line <$1) > 0)
        if (line ~ /^#include ".*\.cpp"$/) tell(substr(line, 11, length(line) - 11))
      close($1)
    }' | sort -u -t $'\t' -k 1,1
}

# "FILE INCLUDED…" for each file of the tree, with what it includes directly or through others. An
# #include stands for every file whose path ends like it: at times too many, never too few.
inclusions() {
  local files
  mapfile -t files < <(sources)
  awk '
    FNR == 1 {
      end = FILENAME
      do paths[end] = paths[end] " " FILENAME; while (sub(/^[^\/]*\//, "", end))
    }
    /^ *# *include *["<]/ {
      split($0, quoted, /["<>]/)
      gsub(/\.\.\//, "", quoted[2])
      ends[FILENAME] = ends[FILENAME] " " quoted[2]
    }
    function visit(file,  i, j, n, m, end, path) {
      if (file in seen) return
      seen[file]
      line = line " " file
      n = split(ends[file], end, " ")
      for (i = 1; i <= n; ++i) {
        m = split(paths[end[i]], path, " ")
        for (j = 1; j <= m; ++j) visit(path[j])
      }
    }
    END {
      for (i = 1; i < ARGC; ++i) {
        split("", seen)
        line = ""
        visit(ARGV[i])
        print substr(line, 2)
      }
    }' "${files[@]}"
}

# lint_sources <SOURCES: lints those that have not passed as they are.
lint_sources() {
  rm -rf "$lint/units"
  mkdir -p "$lint/units"
  unpassed | make_units
  local units
  mapfile -t units < <(find "$lint/units" -mindepth 1 -maxdepth 1)
  if ((${#units[@]} == 0)); then
    say "nothing to lint"
    return 0
  fi
  say "linting $(cat "$lint"/units/*/sources | wc -l) files"
  printf '%s\0' "${units[@]}" | xargs -0 -n 1 -P "$jobs" "$root/dev" lint-unit ||
    fail "lint found something"
}

# unpassed <SOURCES: "COMMAND<TAB>SOURCE<TAB>FINGERPRINT" of each.
unpassed() {
  local source command print passed
  awk -F '\t' 'NR == FNR {wanted[$1]; next} $1 in wanted' - "$lint/sources" |
    while IFS=$'\t' read -r source command print; do
      passed=$lint/passed/$source
      [[ -e $passed && $(<"$passed") == "$print" ]] ||
        printf '%s\t%s\t%s\n' "$command" "$source" "$print"
    done
}

# make_units <LINES of unpassed: folders in build/lint/units, each for sources of one command.
make_units() {
  local source command print last='' unit='' size=0 made=0
  sort | while IFS=$'\t' read -r command source print; do
    if [[ $command != "$last" ]] || ((size == unit_max)); then
      made=$((made + 1)) last=$command size=0
      unit=$lint/units/$made
      mkdir "$unit"
      printf '[{"directory": "%s", "file": "unit.cpp", "command": "%s"}]\n' \
        "$unit" "$command -ferror-limit=0 -c unit.cpp" >"$unit/compile_commands.json"
    fi
    printf '%s\t%s\n' "$source" "$print" >>"$unit/sources"
    size=$((size + 1))
  done
}

# lint_unit UNIT, in a process of its own
lint_unit() {
  local sources
  mapfile -t sources < <(cut -f 1 "$1/sources")
  lint_together "$1" "${sources[@]}"
}

# lint_together UNIT SOURCES…: sources that do not compile after the others, because two helpers
# have one name, are linted apart from them; if it is a header that does not compile, one half is.
lint_together() {
  local unit=$1 found source errors apart=() rest=() status=0
  shift
  printf "#include \"$root/%s\"  // NOLINT(bugprone-suspicious-include)\n" "$@" >"$unit/unit.cpp"
  if found=$(clang-tidy --quiet -p "$unit" --config-file="$root/.clang-tidy" \
    "$unit/unit.cpp" 2>"$unit/log"); then
    record_passed "$unit" "$@"
    return 0
  fi
  if (($# == 1)) || ! grep -q '\[clang-diagnostic-error' <<<"$found"; then
    printf '%s\n' "${found:-clang-tidy failed on $*: $(tail -n 1 "$unit/log")}"
    return 1
  fi
  errors=$(sed -n "s|^$root/\([^:]*\):.* error: .*\[clang-diagnostic-error.*|\1|p" <<<"$found")
  for source in "$@"; do
    if grep -qxF "$source" <<<"$errors"; then apart+=("$source"); else rest+=("$source"); fi
  done
  if ((${#apart[@]} == 0 || ${#rest[@]} == 0)); then
    rest=("${@:1:$# / 2}") apart=("${@:$# / 2 + 1}")
  elif only_errors_in "${apart[*]}" <<<"$found"; then
    record_passed "$unit" "${rest[@]}" && rest=()
  fi
  lint_together "$unit" "${apart[@]}" || status=1
  ((${#rest[@]} == 0)) || lint_together "$unit" "${rest[@]}" || status=1
  return $status
}

# only_errors_in SOURCES <FOUND: whether clang-tidy went through the whole unit and found nothing
# but errors of the compiler in these sources.
only_errors_in() {
  awk -F : -v root="$root" -v sources="$1" '
    BEGIN { n = split(sources, path, " "); while (n) known[root "/" path[n--]] }
    / error: / && !($1 in known && /\[clang-diagnostic-error/ && !/ fatal error: /) { other = 1 }
    END { exit other }'
}

record_passed() {
  local unit=$1 source
  shift
  for source in "$@"; do
    mkdir -p "$lint/passed/${source%/*}"
    awk -F '\t' -v source="$source" '$1 == source {print $2}' "$unit/sources" \
      >"$lint/passed/$source"
  done
}

# The sources to lint for the newest changes: those that changed, and for a header that changed and
# that none of them includes, one that includes it. They are changed_max at most.
sources_of_change() {
  changed_files | awk -v max="$changed_max" '
    FILENAME ~ /sources$/ { compiled[$1]; next }
    FILENAME ~ /inclusions$/ {
      if ($1 in compiled) { source[++n] = $1; number[$1] = n; includes[n] = $0 " " }
      next
    }
    { changed[++m] = $1 }
    function choose(i, why) {
      if (i in chosen) return
      if (count == max) { left = left " " why; return }
      chosen[i]
      ++count
      print source[i]
    }
    function choose_for(header,  i, first) {
      for (i = 1; i <= n; ++i) {
        if (!index(includes[i], " " header " ")) continue
        if (i in chosen) return
        if (!first) first = i
      }
      if (first) choose(first, header)
    }
    END {
      for (i = 1; i <= m; ++i) if (changed[i] in number) choose(number[changed[i]], changed[i])
      for (i = 1; i <= m; ++i) if (!(changed[i] in number)) choose_for(changed[i])
      if (left) print "dev: not linted, as " max " sources are enough here:" left >"/dev/stderr"
    }' "$lint/sources" "$lint/inclusions" -
}

# Files that changed, the newest change first: in the working tree, in the commits that are not in
# the main branch of origin, and if there are none, in the last ten commits. A merge counts as one
# commit. A commit without a parent does not count: the oldest one of a shallow clone seems to have
# added every file.
changed_files() {
  local commits=(-n 10 HEAD) base
  if ! git rev-parse --quiet --verify HEAD >/dev/null 2>&1; then
    say "no git history tells what changed"
    return 0
  fi
  base=$({ git merge-base HEAD origin/HEAD || git merge-base HEAD origin/main || :; } 2>/dev/null)
  [[ -z $base || $base == $(git rev-parse HEAD) ]] || commits=("$base..HEAD")
  {
    git diff --name-only HEAD && git ls-files --others --exclude-standard &&
      git log --first-parent --diff-merges=first-parent --min-parents=1 --format= --name-only \
        "${commits[@]}"
  } 2>/dev/null | awk '!seen[$0]++'
}
