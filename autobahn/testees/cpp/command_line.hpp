// The command lines of the echo programs.
#pragma once

#include <cstdint>
#include <iostream>
#include <stdexcept>
#include <string>

// Returns the port that the option --port has on the command line.
inline std::uint16_t port(int argc, char** argv) {
    if (argc != 3 || argv[1] != std::string("--port"))
        throw std::invalid_argument("usage: --port N, where 0 picks a free port");
    return static_cast<std::uint16_t>(std::stoul(argv[2]));
}

// Calls `echo` with each URL of the command line, and prints how the connections ended. The lines
// of standard input replace an argument -.
template <class Echo>
void for_each_url(int argc, char** argv, Echo echo) {
    auto report = [&](std::string const& url) {
        try {
            echo(url);
            std::cout << "done " << url << std::endl;
        } catch (std::exception const& error) {
            std::cout << "failed " << url << ": " << error.what() << std::endl;
        }
    };
    for (int i = 1; i < argc; ++i) {
        if (argv[i] != std::string("-")) {
            report(argv[i]);
            continue;
        }
        for (std::string url; std::getline(std::cin, url);) report(url);
    }
}
