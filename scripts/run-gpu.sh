#!/usr/bin/env bash
# Tests and measures the WebGPU column on this machine, without a network. From the bundle's folder:
#
#   OUT=results ./run-gpu.sh [--software] [--max-items N] [compile] [sweep] [test] [variants]
#
# Steps run in this order, each under a time limit of its own and all under LIMIT_S (default 540; --software 5400), so that a machine
# that gives ten minutes gets them all. One that fails or hangs does not keep the next from running. Measurements stop in time, and
# write what they have after every step of theirs: a kill loses nothing. $OUT (default ./results) gets a JSON file for each step
# but `test`, whose log grows line by line; what was printed; and summary.json. Exit code: 0 where every step passed.
set -u
here=$(cd "$(dirname "$0")" && pwd)
out=${OUT:-$PWD/results}
mkdir -p "$out"
software=
items=()
steps=()
while [ $# -gt 0 ]; do
  case $1 in
    --software) software=--software ;;
    --max-items) items=(--max-items "$2"); shift ;;
    compile | test | sweep | variants) steps+=("$1") ;;
    *) echo "run-gpu.sh: unknown option $1" >&2; exit 2 ;;
  esac
  shift
done
[ ${#steps[@]} -eq 0 ] && steps=(compile sweep test variants)
# A software driver compiles and computes on the CPU: the same steps take several times as long.
scale=1
[ -n "$software" ] && scale=10
end=$((SECONDS + ${LIMIT_S:-$((scale > 1 ? 5400 : 540))}))

# Dawn and NVIDIA's driver keep compiled shaders there; a fresh folder makes the first compilation a cold one.
export HOME=${LANEWISE_HOME:-$(mktemp -d)}
unset XDG_CACHE_HOME
if [ -n "$software" ]; then
  export VK_DRIVER_FILES=$here/vulkan/vk_swiftshader_icd.json LD_LIBRARY_PATH=$here/vulkan
else
  # The host's Vulkan loader first, ours where it has none.
  if ! ldconfig -p 2>/dev/null | grep -q 'libvulkan\.so\.1'; then
    export LD_LIBRARY_PATH=$here/vulkan${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  fi
  # Drivers that the loader would find, and NVIDIA's by its libraries: containers often mount them without a description, and the
  # one that the usual description names does not load where there is no X11; the EGL one does.
  if [ -z "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ]; then
    drivers=
    for file in /etc/vulkan/icd.d/*.json /usr/share/vulkan/icd.d/*.json /usr/local/share/vulkan/icd.d/*.json \
      /usr/local/nvidia/share/vulkan/icd.d/*.json; do
      [ -f "$file" ] && drivers=$drivers${drivers:+:}$file
    done
    for name in libEGL_nvidia.so.0 libGLX_nvidia.so.0; do
      for folder in /usr/lib/x86_64-linux-gnu /usr/lib64 /usr/local/nvidia/lib64; do
        [ -e "$folder/$name" ] || continue
        printf '{"file_format_version":"1.0.0","ICD":{"library_path":"%s","api_version":"1.3.0"}}\n' "$folder/$name" \
          >"$HOME/$name.json"
        drivers=$drivers${drivers:+:}$HOME/$name.json
        break
      done
    done
    # The second name is the one that loaders before 1.3.207 know.
    [ -n "$drivers" ] && export VK_DRIVER_FILES=$drivers VK_ICD_FILENAMES=$drivers
  fi
  # Why a driver is not there, into the steps' logs.
  export VK_LOADER_DEBUG=error,warn
fi
tests=$here/app/dist/test
node=$here/bin/node
cli=$here/app/dist/src/cli/main.js
nvidia-smi >"$out/nvidia-smi.txt" 2>&1 || rm -f "$out/nvidia-smi.txt"

failed=0
summary=
summarize() {
  printf '{"revision":"%s","node":"%s","software":%s,"finished":%s,"steps":[%s]}\n' "$(cat "$here/REVISION")" \
    "$("$node" --version)" "$([ -n "$software" ] && echo true || echo false)" "$1" "$summary" >"$out/summary.json"
}
# run STEP COMMAND…: standard output goes to STEP.txt, the rest to STEP.log.
run() {
  local step=$1 start=$SECONDS code
  shift
  echo "$step: $(date -u +%H:%M:%S), at most $limit s"
  timeout -k 10 "$limit" "$@" >"$out/$step.txt" 2>"$out/$step.log"
  code=$?
  [ $code -ne 0 ] && failed=1
  summary="$summary${summary:+,}{\"step\":\"$step\",\"exitCode\":$code,\"seconds\":$((SECONDS - start)),\"limit\":$limit}"
  summarize false
  if [ "$step" = test ]; then grep -E '^(not ok|# (pass|fail|skipped) )' "$out/test.txt"; else cat "$out/$step.txt"; fi
  [ $code -ne 0 ] && tail -n 5 "$out/$step.log"
  echo "$step: exit code $code after $((SECONDS - start)) s"
}

for step in "${steps[@]}"; do
  # Most of what a GPU takes minutes for is its driver's compiler; the limits leave it room, and time for every step.
  case $step in
    compile) limit=130 ;;
    sweep) limit=170 ;;
    test) limit=110 ;;
    variants) limit=120 ;;
  esac
  limit=$((limit * scale))
  [ $limit -gt $((end - SECONDS)) ] && limit=$((end - SECONDS))
  if [ $limit -lt 20 ]; then
    echo "$step: no time left"
    summary="$summary${summary:+,}{\"step\":\"$step\",\"exitCode\":null,\"seconds\":0,\"limit\":0}"
    failed=1
    summarize false
    continue
  fi
  # What is measured last has begun before the time limit: it gets a quarter of the step.
  measure=(--compile-timeout $((limit * 2 / 3)) --time-limit $((limit * 3 / 4)) --out "$out/$step.json")
  case $step in
    # Shaders first, cold and warm: a driver that cannot compile them in time shows here.
    compile) run compile "$node" "$cli" doctor --backend webgpu --compile-timeout $((limit - 20)) --out "$out/compile.json" ;;
    sweep) run sweep "$node" "$cli" bench gpu $software "${items[@]}" "${measure[@]}" ;;
    # Whole rows, and the rungs, which say where it is that a row goes wrong.
    test) run test env LANEWISE_COLUMN=webgpu "$node" --test --test-concurrency=$((scale > 1 ? 1 : 3)) --test-reporter=tap \
      "$tests"/conformance/*.test.js "$tests"/webgpu/{secp256k1-recover,digests,slots,variants}.test.js "$tests"/rungs/webgpu/*.test.js ;;
    variants) run variants "$node" "$cli" bench gpu $software "${items[@]}" "${measure[@]}" --variants --algorithm secp256k1-recover ;;
  esac
done
summarize true
exit $failed
