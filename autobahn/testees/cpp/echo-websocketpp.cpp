// An echo server on websocketpp.
#include <websocketpp/config/asio_no_tls.hpp>
#include <websocketpp/server.hpp>

#include "command_line.hpp"
#include "websocketpp_config.hpp"

namespace asio = websocketpp::lib::asio;
using Server = websocketpp::server<Config<websocketpp::config::asio>>;

int main(int argc, char** argv) {
    Server server;
    server.init_asio();
    server.set_tcp_pre_init_handler([&](auto handle) {
        server.get_con_from_hdl(handle)->get_raw_socket().set_option(asio::ip::tcp::no_delay(true));
    });
    server.set_message_handler([&](auto connection, auto message) {
        // Errors are ignored here. The suite judges how the connection ends.
        websocketpp::lib::error_code error;
        server.send(connection, message->get_payload(), message->get_opcode(), error);
    });
    server.listen({asio::ip::address_v4::loopback(), port(argc, argv)});
    server.start_accept();
    websocketpp::lib::asio::error_code error;
    std::cout << "ws://" << server.get_local_endpoint(error) << std::endl;
    server.run();
}
