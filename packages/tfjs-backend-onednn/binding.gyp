# The addon. ONEDNN_ROOT is a folder with oneDNN's include/ and lib/; scripts/build.mjs finds or unpacks one.
{
  "variables": {
    "onednn%": "<!(node -p \"process.env.ONEDNN_ROOT || '/usr'\")",
  },
  "targets": [{
    "target_name": "bag",
    "sources": [
      "<!@(node -p \"require('fs').readdirSync('native').filter(f => f.endsWith('.cc')).map(f => 'native/' + f).join(' ')\")",
    ],
    "include_dirs": ["<(onednn)/include"],
    "defines": ["NAPI_VERSION=8"],
    "cflags!": ["-fno-omit-frame-pointer"],
    "cflags": ["-O3", "-fopenmp", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden", "-Wall", "-Wextra"],
    "cflags_cc!": ["-fno-exceptions", "-fno-rtti"],
    "cflags_cc": ["-std=c++17"],
    "libraries": ["-L<(onednn)/lib", "-L<(onednn)/lib64", "-ldnnl"],
    "conditions": [
      ["target_arch == 'x64'", {
        "cflags": ["-march=x86-64-v3"],
        "xcode_settings": {"OTHER_CFLAGS": ["-march=x86-64-v3"]},
      }],
      ["OS == 'linux'", {
        # The addon's own folder comes first, for oneDNN's dependencies too: an RPATH is inherited, a RUNPATH is not.
        "ldflags": ["-fopenmp", "-Wl,-rpath,'$$ORIGIN'", "-Wl,--disable-new-dtags"],
      }],
      ["OS == 'mac'", {
        "include_dirs": ["<!(brew --prefix libomp)/include"],
        "libraries": ["-L<!(brew --prefix libomp)/lib", "-lomp"],
        "xcode_settings": {
          "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
          "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
          "GCC_ENABLE_CPP_RTTI": "YES",
          "GCC_OPTIMIZATION_LEVEL": "3",
          "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
          "MACOSX_DEPLOYMENT_TARGET": "11.0",
          "OTHER_CFLAGS": ["-Xpreprocessor", "-fopenmp", "-fno-math-errno", "-fno-trapping-math", "-Wall", "-Wextra"],
        },
      }],
    ],
  }],
}
