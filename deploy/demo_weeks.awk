# What promostream learned in a demonstration, week by week, as a table. Two inputs:
#
#   samples     DAY DECISIONS BOUGHT LOGLOSS, taken while it ran: the simulated day and promostream_progress_*, which counts
#               decisions when their attribution window of 7 days is over
#   truth       clickfeed's --truth, one JSON object a line: what each cart was worth under every offer
#
#   awk -v weeks=4 -v start_ms=MS -f demo_weeks.awk samples truth.jsonl
#
# Exit status 1 if what promostream promised in the last week was no better than the constant model.

# The number that follows "name": in text.
function number(text, name) {
    return substr(text, index(text, "\"" name "\":") + length(name) + 3) + 0
}

# A number of the flat object "object" of this line.
function member(object, name) {
    return number(substr($0, index($0, "\"" object "\":{")), name)
}

# The text that follows "name":" in this line.
function word(name,    text) {
    text = substr($0, index($0, "\"" name "\":\"") + length(name) + 4)
    return substr(text, 1, index(text, "\"") - 1)
}

function entropy(p) {
    return p > 0 && p < 1 ? -p * log(p) - (1 - p) * log(1 - p) : 0
}

function row(title, cells, format,    w) {
    printf "  %-42s", title
    for (w = 1; w <= weeks; w++) {
        printf " %9s", w in cells ? sprintf(format, cells[w]) : "-"
    }
    printf "\n"
}

function close_week(w) {
    decisions[w] = $2
    bought[w] = $3
    loss[w] = $2 * $4
}

FILENAME == ARGV[1] {
    for (w = 1; w < weeks; w++) {
        if (!(w in decisions) && $1 >= 7 * w + 7) {
            close_week(w)
        }
    }
    close_week(weeks)
    next
}

/"value":/ {
    left_ms = number($0, "deadline_ms") - 86400000 # carts are decided a day after they were left
    w = int((left_ms - start_ms) / (7 * 86400000)) + 1
    w = w < weeks ? w : weeks
    none = member("value", "none")
    carts[w]++
    rule[w] += member("value", "10%") - none
    ours[w] += member("value", word("arm")) - none
    bayes[w] += member("value", word("a_bayes")) - none
    p = member("p", word("arm"))
    q = member("bayes_p", word("arm"))
    buyers[w] += p
    floor[w] -= p * log(q) + (1 - p) * log(1 - q)
}

END {
    for (w = 1; w <= weeks; w++) {
        name[w] = "week " w
        count = decisions[w] - decisions[w - 1]
        constant = count > 0 ? count * entropy((bought[w] - bought[w - 1]) / count) : 0
        if (constant > 0) {
            entropies[w] = (loss[w] - loss[w - 1]) / constant
        }
        if (carts[w] > 0) {
            floors[w] = floor[w] / (carts[w] * entropy(buyers[w] / carts[w]))
            rules[w] = rule[w] / carts[w]
            profits[w] = ours[w] / carts[w]
            best[w] = bayes[w] / carts[w]
        }
        ones[w] = 1
        zeros[w] = 0
    }
    row("carts left in", name, "%s")
    row("normalised entropy: the constant model", ones, "%.3f")
    row("  promostream", entropies, "%.3f")
    row("  floor: the best observer", floors, "%.3f")
    row("profit per cart, EUR: sending nothing", zeros, "%.3f")
    row("  the rule: 10 % to everybody", rules, "%+.3f")
    row("  promostream", profits, "%+.3f")
    row("  Bayes: the best observer", best, "%+.3f")
    exit !(weeks in entropies && entropies[weeks] < 1)
}
