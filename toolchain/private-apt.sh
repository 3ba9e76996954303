# SPDX-License-Identifier: BSD-2-Clause
#
# A private apt configuration for the source packages of another Debian suite. Sourced, not run.
#
# It is derived from the machine's own source list, so that whatever this machine may reach (a
# mirror, a dated snapshot, a proxy) is reached here too, and the same keys are trusted. The
# machine's own apt is not touched: lists, cache and state live under build/apt.
#
#   private_apt_setup DIR SUITE [deb-src]    write the configuration; SUITE may be one of security updates, such as
#                                            bookworm-security. Nothing is there of it: status 1
#   private_apt TOOL ARGS...                 run apt-get or apt-cache with it

# The suites in whose place SUITE goes, as a regular expression.
suite_names() {
    case $1 in
    *-security) echo '^(bookworm|trixie|stable|oldstable)-security$' ;;
    *) echo '^(bookworm|trixie|stable|oldstable)$' ;;
    esac
}

# Rewrite deb822 stanzas of the Debian main archive to $suite; drop every other stanza.
# Security, update and third-party stanzas name other suites or no component "main"; for SUITE-security
# it is the security stanzas that are kept.
# A stanza is kept line by line: Signed-By may be a whole key, and options such as
# Check-Valid-Until matter for snapshots.
deb822_for_suite() {
    awk -v suite="$2" -v types="$3" -v names="$(suite_names "$2")" '
        function flush_stanza(    i, f, keep) {
            keep = main && has_suite && enabled && uris
            for (i = 1; keep && i <= n; i++) {
                print line[i]
            }
            if (keep) {
                print "Types: " types
                print "Suites: " suite
                print "Components: main"
                print ""
            }
            n = main = has_suite = uris = 0
            enabled = 1
        }
        BEGIN { enabled = 1; field = "" }
        /^#/ { next }
        /^[ \t]*$/ { flush_stanza(); next }
        {
            if ($0 !~ /^[ \t]/) {
                field = tolower($0)
                sub(/:.*/, "", field)
            }
            value = $0
            if ($0 !~ /^[ \t]/) {
                sub(/^[^:]*:/, "", value)
            }
            count = split(value, word, /[ \t]+/)
            for (i = 1; i <= count; i++) {
                if (field == "suites" && word[i] ~ names) {
                    has_suite = 1
                }
                if (field == "components" && word[i] == "main") {
                    main = 1
                }
                if (field == "enabled" && tolower(word[i]) ~ /^(no|false|0)$/) {
                    enabled = 0
                }
            }
            if (field == "uris") {
                uris = 1
            }
            if (field !~ /^(types|suites|components|enabled)$/) {
                line[++n] = $0
            }
        }
        END { flush_stanza() }
    ' "$1"
}

# The same for the one-line format: deb [options] URI suite component...
list_for_suite() {
    awk -v suite="$2" -v types="$3" -v names="$(suite_names "$2")" '
        $1 == "deb" {
            i = 2
            options = ""
            if ($i ~ /^\[/) {
                do {
                    options = options $i " "
                } while ($(i++) !~ /\]$/ && i <= NF)
            }
            uri = $i
            main = 0
            for (j = i + 2; j <= NF; j++) {
                main = main || $j == "main"
            }
            if (main && $(i + 1) ~ names) {
                count = split(types, type, " ")
                for (t = 1; t <= count; t++) {
                    print type[t] " " options uri " " suite " main"
                }
            }
        }
    ' "$1"
}

private_apt_setup() {
    apt_dir=$1
    apt_suite=$2
    apt_types=${3:-deb}
    mkdir -p "$apt_dir/sources.list.d" "$apt_dir/lists/partial" "$apt_dir/cache/archives/partial"
    rm -f "$apt_dir"/sources.list.d/*
    for source in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        if [ -f "$source" ]; then
            list_for_suite "$source" "$apt_suite" "$apt_types" \
                > "$apt_dir/sources.list.d/$(basename "$source" .list).list"
        fi
    done
    for source in /etc/apt/sources.list.d/*.sources; do
        if [ -f "$source" ]; then
            deb822_for_suite "$source" "$apt_suite" "$apt_types" \
                > "$apt_dir/sources.list.d/$(basename "$source")"
        fi
    done
    # One mirror may be listed twice (list and sources); apt only warns. Empty files go.
    find "$apt_dir/sources.list.d" -type f -size 0 -delete
    [ -n "$(ls "$apt_dir/sources.list.d")" ]
}

private_apt() {
    tool=$1
    shift
    "$tool" \
        -o Dir::Etc::sourcelist=/dev/null \
        -o Dir::Etc::sourceparts="$apt_dir/sources.list.d" \
        -o Dir::Etc::preferences=/dev/null \
        -o Dir::Etc::preferencesparts=/dev/null \
        -o Dir::State="$apt_dir" \
        -o Dir::State::lists="$apt_dir/lists" \
        -o Dir::State::status=/dev/null \
        -o Dir::Cache="$apt_dir/cache" \
        -o APT::Default-Release= \
        -o APT::Architecture=amd64 \
        -o APT::Architectures=amd64 \
        -o APT::Sandbox::User= \
        -o Acquire::Languages=none \
        "$@"
}
