# Learns to tell the modality of a case from the words of its text: softmax regression by gradient
# descent. Small, slow and real: every figure is computed, nothing is made up.
#
#   awk -v lr=0.0005 -v epochs=8000 -v seed=1 -v out=demo/words -f demo/train.awk demo/cases.jsonl
#   … demo/cases.jsonl resume=demo/words/checkpoint-2000     goes on from there
#
# Every fourth case is held back. One JSON line for ten epochs; a checkpoint every 500.

function field(name,    at, rest) {
    at = index($0, "\"" name "\": \"")
    if (!at) return ""
    rest = substr($0, at + length(name) + 5)
    return substr(rest, 1, index(rest, "\"") - 1)
}

function softmax(c,    k, most, sum) {
    most = -1e30
    for (k = 1; k <= classes; k++) {
        score[k] = weight[k, 0]
        for (w = 1; w <= length_of[c]; w++) score[k] += weight[k, word[c, w]]
        if (score[k] > most) most = score[k]
    }
    sum = 0
    for (k = 1; k <= classes; k++) { score[k] = exp(score[k] - most); sum += score[k] }
    for (k = 1; k <= classes; k++) score[k] /= sum
}

function best(    k, at) {
    at = 1
    for (k = 2; k <= classes; k++) if (score[k] > score[at]) at = k
    return at
}

function save(epoch,    path, key) {
    path = out "/checkpoint-" epoch
    for (key in weight) printf "%s\t%.9g\n", key, weight[key] > (path ".part")
    close(path ".part")
    # Whole or not there.
    system("mv '" path ".part' '" path "'")
}

{
    cases++
    text = tolower($0)
    sub(/.*"sections": /, "", text)
    sub(/"images": .*/, "", text)
    class_name = field("modality")
    if (!(class_name in class_of)) { class_of[class_name] = ++classes }
    class[cases] = class_of[class_name]
    count = split(text, parts, /[^a-z]+/)
    split("", seen)
    for (i = 1; i <= count; i++) {
        # Short words say little, and what names the answer itself is no clue.
        if (length(parts[i]) < 4 || parts[i] in seen) continue
        if (parts[i] ~ /^(radiogra|ultraso|sonogra|microscop|histolog|tomogra)/) continue
        seen[parts[i]] = 1
        word[cases, ++length_of[cases]] = parts[i]
    }
}

END {
    srand(seed)
    system("mkdir -p '" out "'")
    first = 1
    if (resume != "") {
        while ((getline line < resume) > 0) {
            split(line, pair, "\t")
            weight[pair[1]] = pair[2] + 0
        }
        first = resume
        sub(/.*checkpoint-/, "", first)
        first = first + 1
    }
    for (c = 1; c <= cases; c++) if (c % 4) order[++training] = c
    for (epoch = first; epoch <= epochs; epoch++) {
        loss = 0
        for (n = training; n >= 1; n--) {
            # Another order every time.
            pick = int(rand() * n) + 1
            c = order[pick]; order[pick] = order[n]; order[n] = c
            softmax(c)
            loss -= log(score[class[c]] + 1e-12)
            for (k = 1; k <= classes; k++) {
                error = score[k] - (k == class[c])
                weight[k, 0] -= lr * error
                for (w = 1; w <= length_of[c]; w++) weight[k, word[c, w]] -= lr * error
            }
        }
        right = held_loss = 0
        for (c = 4; c <= cases; c += 4) {
            softmax(c)
            right += best() == class[c]
            held_loss -= log(score[class[c]] + 1e-12)
        }
        held = int(cases / 4)
        if (epoch % 10 == 0) printf "{\"step\": %d, \"loss\": %.5f, \"eval_loss\": %.5f, \"eval_accuracy\": %.4f, \"lr\": %g}\n", epoch, loss / training, held_loss / held, right / held, lr
        fflush()
        if (epoch % 500 == 0) save(epoch)
    }
}
