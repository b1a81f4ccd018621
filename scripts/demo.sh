#!/bin/sh
# The main job, end to end, in a scratch folder: a list, two clones, work side by side.
set -eu
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
export GIT_CONFIG_GLOBAL="$here/gitconfig" GIT_CONFIG_NOSYSTEM=1
git config --global user.name "Demo" && git config --global user.email demo@example.org
git config --global init.defaultBranch main
unset GITTASKS_LIST GITTASKS_OWNER GITTASKS_SESSION CLAUDE_CODE_TASK_LIST_ID CLAUDE_CODE_SESSION_ID || true

say() { printf '\n\033[1m# %s\033[0m\n' "$*"; }
run() { printf '$ %s\n' "$*"; "$@"; }

say "A repository with some code, and a plan"
git init -q --bare "$here/hub.git"
git clone -q "$here/hub.git" "$here/alice" 2>/dev/null
cd "$here/alice"
git commit -q --allow-empty -m "first commit" && git push -q origin HEAD
cat > plan.md <<'PLAN'
# Login with a second factor

## PHASE 1: Requirements
- [ ] `ask` Ask the user for requirements (active: Asking the user)

## PHASE 2: Design
- [ ] `design` Draw up the architecture (after: ask) (active: Designing)

## PHASE 3: Reviews
- [ ] `claude` Claude review (after: design) (owner: claude-agent)
- [ ] `gemini` Gemini review (after: design) (owner: gemini-agent)
- [ ] `grok` Grok review (after: design) (owner: grok-agent)

## PHASE 4: Report
- [ ] `report` Write the report (after: claude, gemini, grok)
PLAN
cat plan.md

say "Phase initialization: the whole workflow in one call, before any work begins"
run gittasks init login-2fa
run gittasks apply plan.md
run gittasks status

say "Work moves it; what a task unblocks is said at once"
run gittasks start ask
run gittasks done ask --result "5 requirements"
run gittasks start report || echo "(exit code $?: a blocked task is refused)"
run gittasks start design
run gittasks done design

say "Shared through the repository's own remote: a teammate clones and sees it"
run gittasks sync
git clone -q "$here/hub.git" "$here/bob" 2>/dev/null
cd "$here/bob"
git config user.name Bob
run gittasks list

say "Three agents at the same time, in processes of their own: nothing is lost"
cd "$here/alice"
for agent in claude gemini grok; do
  ( GITTASKS_OWNER=$agent-agent gittasks claim -q $agent >/dev/null
    GITTASKS_OWNER=$agent-agent gittasks note -q $agent "first finding" >/dev/null ) &
done
wait
run gittasks list

say "No two get the same task: the remote decides, and Bob's clone is told who has it"
cd "$here/bob"
run gittasks claim claude || echo "(exit code $?: claimed by another)"

say "Both clones go on without each other, on the same task too"
run gittasks update report --subject "Write the final report" --metadata pages=4
run gittasks push
cd "$here/alice"
run gittasks update report --subject "Write a short report"
run gittasks note report "The customer reads two pages at most"
git push -q origin gittasks/login-2fa 2>/dev/null || echo "(git refuses the push: Bob was first)"

say "Merged field by field; what competed is said, and nothing is lost"
run gittasks sync
run gittasks conflicts || true
for agent in claude gemini grok; do
  GITTASKS_OWNER=$agent-agent gittasks done -q $agent --result "no objections" >/dev/null &
done
wait
run gittasks status

say "The teammate pulls, has the same bytes, and goes on where it stands"
cd "$here/bob"
run gittasks pull
test "$(git rev-parse gittasks/login-2fa)" = "$(git -C "$here/hub.git" rev-parse gittasks/login-2fa)"
run gittasks run report -- sh -c 'echo "writing the report"'
run gittasks sync
run gittasks status

say "Every transition is a commit: stock git is the audit trail"
run gittasks log -n 4
run git --no-pager log --graph --oneline -n 12 gittasks/login-2fa
run git --no-pager show gittasks/login-2fa:tasks/report.yaml
run git fsck --strict --no-dangling
run git status --short --branch
